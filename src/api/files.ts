// API document: "File Operations".
import {
  bool,
  choice,
  commaList,
  float,
  type Infer,
  int,
  type JsonSchema,
  json,
  list,
  object,
  record,
  string,
} from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { ALL_TRANSPORTS, del, get, getOrPost, post, rpcOnly } from './endpoint.ts'
import { printWarnings } from './printer.ts'

/** A file in a listing. */
export const FileEntry = object({
  path: string().describe('Below the root'),
  modified: float().describe('Seconds since the epoch'),
  size: int().describe('Bytes'),
  permissions: string().describe('r, rw or empty'),
})

const Item = object({
  path: string().describe('Below the root'),
  root: string(),
  size: int().describe('Bytes; 0 for a deleted item').optional(),
  modified: float().describe('Seconds since the epoch; 0 for a deleted item').optional(),
  permissions: string().describe('r, rw or empty').optional(),
})

/** What happened to a file or folder: the reply to the request, and the parameter of notify_filelist_changed. */
export const FilelistChange = object({
  action: choice(
    'create_file',
    'create_dir',
    'delete_file',
    'delete_dir',
    'move_file',
    'move_dir',
    'modify_file',
    'root_update',
  ),
  item: Item,
  source_item: object({ path: string(), root: string() })
    .describe('The previous place; for moves')
    .optional(),
})

const entryFields = {
  modified: float().describe('Seconds since the epoch'),
  size: int().describe('Bytes'),
  permissions: string().describe('r, rw or empty'),
}

/** The content of a folder. */
export const DirectoryListing = object({
  dirs: list(object({ dirname: string(), ...entryFields })),
  files: list(object({ filename: string(), ...entryFields })).describe(
    'With extended, G-code files carry their metadata',
  ),
  disk_usage: object({ total: int(), used: int(), free: int() }).describe('Bytes'),
  root_info: object({ name: string(), permissions: string() }),
})

/** A thumbnail of a G-code file. */
export const Thumbnail = object({
  width: int().describe('Pixels'),
  height: int().describe('Pixels'),
  size: int().describe('Bytes'),
  thumbnail_path: string().describe('Below the gcodes root'),
})

/** The archive that was created. */
export const ZipReply = object({ destination: Item, action: choice('zip_files') })

const filename = string().describe('A G-code file, below the gcodes root')
const rooted = (what: string) => string().describe(`${what}, with its root first: gcodes/folder/name`)
const transfer = { source: rooted('The file or folder'), dest: rooted('The destination') }

const UploadFacts = {
  item: object({
    path: string(),
    root: string(),
    modified: float(),
    size: int(),
    permissions: string(),
  }),
  print_started: bool().describe('gcodes only').optional(),
  print_queued: bool().describe('gcodes only').optional(),
  print_warnings: printWarnings.optional(),
  action: choice('create_file', 'modify_file'),
}

/** The reply to an upload, twice: plain for Mainsail and Mobileraker, and as `result` for OrcaSlicer. */
export const UploadReply = object({ ...UploadFacts, result: object(UploadFacts) })

/** A change of files, as clients receive it. A change of a folder applies to everything in it. */
export type FileChange = Readonly<Infer<typeof FilelistChange>>
export type FileAction = FileChange['action']

const FILE: JsonSchema = { type: 'string', format: 'binary' }

const Upload: JsonSchema = {
  type: 'object',
  required: ['file'],
  properties: {
    file: FILE,
    root: string().default('gcodes').json,
    path: string().describe('A folder below the root; created if missing').default('').json,
    // An empty example: an API page that prefills its form would otherwise send a text that is not a checksum.
    checksum: {
      ...string().describe('SHA-256 of the file, hexadecimal; 422 if it differs').json,
      examples: [''],
    },
    print: bool().describe('gcodes only: print the file').default(false).json,
    warnings: bool()
      .describe('With print: the reply has the field print_warnings; only this server')
      .default(false).json,
  },
}

export const files = chapter({
  title: 'File Operations',
  about: 'G-code, configuration and logs: list, read, upload, move, delete',
  methods: {
    'server.files.list': get('/server/files/list', {
      summary: 'All files of a root',
      params: { root: string().default('gcodes') },
      result: list(FileEntry),
    }),
    'server.files.roots': get('/server/files/roots', {
      summary: 'The folders that the server serves',
      result: list(object({ name: string(), path: string(), permissions: string() })),
    }),
    'server.files.metadata': get('/server/files/metadata', {
      summary: 'The metadata of a G-code file',
      params: { filename },
      example: { filename: 'part.gcode' },
      result: record(json()),
    }),
    'server.files.metascan': getOrPost('/server/files/metascan', {
      summary: 'Read the metadata of a G-code file again',
      params: { filename },
      example: { filename: 'part.gcode' },
      result: record(json()),
    }),
    'server.files.thumbnails': get('/server/files/thumbnails', {
      summary: 'The thumbnails of a G-code file',
      params: { filename },
      example: { filename: 'part.gcode' },
      result: list(Thumbnail),
    }),
    'server.files.get_directory': get('/server/files/directory', {
      summary: 'The content of a folder',
      params: {
        path: rooted('The folder').default('gcodes'),
        extended: bool().describe('Add the metadata of G-code files').default(false),
      },
      result: DirectoryListing,
    }),
    'server.files.post_directory': post('/server/files/directory', {
      summary: 'Create a folder',
      params: { path: rooted('The folder') },
      example: { path: 'gcodes/new' },
      result: FilelistChange,
    }),
    'server.files.delete_directory': del('/server/files/directory', {
      summary: 'Delete a folder',
      params: {
        path: rooted('The folder'),
        force: bool().describe('Together with its content').default(false),
      },
      example: { path: 'gcodes/new', force: false },
      result: FilelistChange,
    }),
    'server.files.move': post('/server/files/move', {
      summary: 'Move or rename a file or folder',
      params: transfer,
      example: { source: 'gcodes/part.gcode', dest: 'gcodes/new/part.gcode' },
      result: FilelistChange,
    }),
    'server.files.copy': post('/server/files/copy', {
      summary: 'Copy a file or folder',
      params: transfer,
      example: { source: 'gcodes/part.gcode', dest: 'gcodes/part-2.gcode' },
      result: FilelistChange,
    }),
    'server.files.zip': post('/server/files/zip', {
      summary: 'Create an archive of files',
      params: {
        items: commaList(rooted('A file or folder')),
        dest: rooted('The archive').optional(),
        store_only: bool().describe('Do not compress').default(false),
      },
      example: { items: ['config/printer.cfg', 'config/moonraker.conf'], dest: 'config/backup.zip' },
      result: ZipReply,
    }),
    'server.files.delete_file': rpcOnly({
      summary: 'Delete a file; over HTTP: DELETE /server/files/{root}/{path}',
      transports: ALL_TRANSPORTS,
      changes: true,
      params: { path: rooted('The file') },
      example: { path: 'gcodes/part.gcode' },
      result: FilelistChange,
    }),
  },
  raw: {
    'server.files.upload': {
      verb: 'POST',
      path: '/server/files/upload',
      summary: 'Upload a file',
      body: { 'multipart/form-data': Upload },
      status: 201,
      reply: { 'application/json': UploadReply.json },
    },
    'server.files.download': {
      verb: 'GET',
      path: '/server/files/{root}/{filename}',
      summary: 'Download a file, or one range of it',
      status: 200,
      reply: { 'application/octet-stream': FILE },
    },
    'server.files.delete_file.delete': {
      verb: 'DELETE',
      path: '/server/files/{root}/{filename}',
      summary: 'Delete a file',
      status: 200,
      reply: { 'application/json': object({ result: record(json()) }).json },
    },
    'server.files.klippy_log': {
      verb: 'GET',
      path: '/server/files/klippy.log',
      summary: "Download Klipper's log",
      status: 200,
      reply: { 'text/plain': FILE },
    },
    'server.files.moonraker_log': {
      verb: 'GET',
      path: '/server/files/moonraker.log',
      summary: "Download the server's log",
      status: 200,
      reply: { 'text/plain': FILE },
    },
  },
  notifications: {
    notify_filelist_changed: notification('Files or folders of a root changed', FilelistChange),
  },
  events: {
    'files:changed': event<[change: FileChange]>(
      'Files of a served folder changed, by the server or another program. Clients have been notified',
    ),
    'metadata:processed': event<[path: string]>(
      'The background file processors have added to the metadata of a G-code file, below the gcodes root',
    ),
  },
})
