// API document: "File Operations".
import { bool, choice, float, int, json, list, object, record, string } from '../schema/index.ts'
import { get } from './endpoint.ts'

/** A file in a listing. */
export const FileEntry = object({
  path: string().describe('Below the root'),
  modified: float().describe('Seconds since the epoch'),
  size: int().describe('Bytes'),
  permissions: string().describe('r, rw or empty'),
})

const Item = object({
  path: string(),
  root: string(),
  size: int().optional(),
  modified: float().optional(),
  permissions: string().optional(),
})

/** The parameter of notify_filelist_changed. */
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
  source_item: object({ path: string(), root: string() }).describe('Where it was; for moves').optional(),
})

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
  action: choice('create_file', 'modify_file'),
}

/** The reply to an upload: not wrapped for Mainsail and Mobileraker, and under `result` for OrcaSlicer. */
export const UploadReply = object({ ...UploadFacts, result: object(UploadFacts) })

export const files = {
  'server.files.list': get('/server/files/list', {
    summary: 'All files of a root',
    params: { root: string().default('gcodes') },
    result: list(FileEntry),
  }),
  'server.files.roots': get('/server/files/roots', {
    summary: 'The folders that are served',
    result: list(object({ name: string(), path: string(), permissions: string() })),
  }),
  'server.files.metadata': get('/server/files/metadata', {
    summary: 'What a G-code file says of itself',
    params: { filename: string() },
    result: record(json()),
  }),
}
