// API document: "OctoPrint API emulation". Routes of HTTP only, whose replies are OctoPrint's own: no `{"result": …}`.
import { anyOf, bool, choice, float, int, json, list, object, record, string } from '../schema/index.ts'
import { bareEndpoints, chapter, NO_CONTENT } from './chapter.ts'
import { del, get, getOrPost, type Methods, post } from './endpoint.ts'

const HTTP = { transports: ['http'] } as const

/** The caller, as OctoPrint replies to a login by an API key. */
const userFields = {
  _is_external_client: bool(),
  _login_mechanism: string(),
  name: string(),
  active: bool(),
  user: bool(),
  admin: bool().describe("Whether the caller's role is admin"),
  apikey: string().nullable(),
  permissions: list(json()),
  groups: list(string()),
}
const User = object(userFields)
const LoggedInUser = object({
  ...userFields,
  session: string().describe('For the message auth of the push socket').nullable(),
})

const Temperature = object({
  actual: float().describe('°C'),
  target: float().describe('°C; 0 for off'),
  offset: int().optional(),
})

/** The state of the printer in OctoPrint's words. */
const StateText = choice(
  'Offline',
  'Error',
  'Operational',
  'Printing',
  'Pausing',
  'Paused',
  'Resuming',
  'Cancelling',
)

export const PrinterState = object({
  text: StateText,
  flags: object({
    operational: bool(),
    paused: bool(),
    printing: bool(),
    cancelling: bool(),
    pausing: bool(),
    resuming: bool(),
    error: bool(),
    ready: bool(),
    closedOrError: bool(),
    sdReady: bool(),
  }),
})

const FileFacts = {
  name: string(),
  display: string(),
  path: string().describe('Below the gcodes root'),
  origin: string(),
}

const Refs = object({ resource: string(), download: string().optional() })

/** A file or a folder. */
export const FileInfo = object({
  ...FileFacts,
  type: choice('machinecode', 'folder'),
  typePath: list(string()),
  refs: Refs,
  size: int().describe('Bytes').optional(),
  date: int().describe('Seconds since the epoch').optional(),
  gcodeAnalysis: object({
    estimatedPrintTime: float().describe('Seconds').optional(),
    filament: record(object({ length: float().describe('mm') })),
  })
    .describe('Only of a single file, if its metadata contain it')
    .optional(),
  children: list(json()).describe('The content of a folder').optional(),
})

const Files = object({
  files: list(FileInfo),
  free: int().describe('Bytes'),
  total: int().describe('Bytes'),
})

/** The file that is selected or printed. */
const JobFile = object({
  name: string().nullable(),
  display: string().optional(),
  path: string().optional(),
  origin: string().optional(),
  size: int().describe('Bytes').optional(),
  date: int().describe('Seconds since the epoch').optional(),
})

/** The progress of the print; null fields without one. */
const Progress = object({
  completion: float().describe('Percent').nullable(),
  filepos: int().describe('Bytes').nullable(),
  printTime: int().describe('Seconds').nullable(),
  printTimeLeft: int().describe('Seconds').nullable(),
  printTimeOrigin: string().nullable(),
  printTimeLeftOrigin: string()
    .describe("analysis: the slicer's estimate; linear: from the progress")
    .nullable(),
})

const Job = object({
  job: object({
    file: JobFile,
    estimatedPrintTime: float().describe('Seconds').nullable(),
    filament: object({
      length: float().describe('mm').nullable(),
      tool0: object({ length: float().describe('mm') }).optional(),
    }),
    user: string().describe('The user who started the print').nullable(),
  }),
  progress: Progress,
  state: StateText,
})

const Axis = object({ speed: float().describe('mm/min'), inverted: bool() })

const Profile = object({
  id: string(),
  name: string(),
  color: string(),
  model: string(),
  default: bool(),
  current: bool(),
  heatedBed: bool(),
  heatedChamber: bool(),
  axes: object({ x: Axis, y: Axis, z: Axis, e: Axis }),
})

const Connection = object({
  current: object({
    state: StateText,
    port: string().nullable(),
    baudrate: int().nullable(),
    printerProfile: string(),
  }),
  options: object({
    ports: list(string()),
    baudrates: list(int()),
    printerProfiles: list(object({ id: string(), name: string() })),
    portPreference: string().nullable(),
    baudratePreference: int().nullable(),
    printerProfilePreference: string(),
    autoconnect: bool(),
  }),
})

const recursive = bool().describe('With the content of folders').default(false)
const location = string().describe('local, or moonraker with the root as the first part of the path')
const path = string().describe('Below the location')

/** By the ids of the OpenAPI document; these are not JSON-RPC methods. */
export const octoprintEndpoints = {
  'octoprint.version': get('/api/version', {
    ...HTTP,
    summary: 'The emulated version of OctoPrint',
    result: object({ server: string(), api: string(), text: string().describe('Starts with OctoPrint') }),
  }),
  'octoprint.server': get('/api/server', {
    ...HTTP,
    summary: 'Whether Klipper is ready; if not, the server reports a safe mode',
    result: object({ server: string(), version: string(), safemode: choice('settings').nullable() }),
  }),
  'octoprint.login': getOrPost('/api/login', {
    ...HTTP,
    summary: 'The user of the caller, and a session key for the push socket',
    changes: false,
    params: { passive: bool().optional(), user: string().optional(), pass: string().optional() },
    result: LoggedInUser,
  }),
  'octoprint.currentuser': get('/api/currentuser', {
    ...HTTP,
    summary: 'The user of the caller',
    result: User,
  }),
  'octoprint.logout': post('/api/logout', {
    ...HTTP,
    summary: 'No effect',
    changes: false,
    result: NO_CONTENT,
  }),
  'octoprint.settings': get('/api/settings', {
    ...HTTP,
    summary: 'The features of the server, and the webcam',
    result: object({
      plugins: record(json()),
      feature: object({ sdSupport: bool(), temperatureGraph: bool() }),
      webcam: object({
        flipH: bool(),
        flipV: bool(),
        rotate90: bool(),
        streamUrl: string(),
        webcamEnabled: bool(),
      }),
    }),
  }),
  'octoprint.connection': get('/api/connection', {
    ...HTTP,
    summary: 'The connection to the printer',
    result: Connection,
  }),
  'octoprint.connection.command': post('/api/connection', {
    ...HTTP,
    summary: 'No effect: the server connects by itself',
    params: { command: choice('connect') },
    result: NO_CONTENT,
  }),
  'octoprint.printerprofiles': get('/api/printerprofiles', {
    ...HTTP,
    summary: 'The printer, as a profile',
    result: object({ profiles: record(Profile) }),
  }),
  'octoprint.printer': get('/api/printer', {
    ...HTTP,
    summary: 'Temperatures and state; query: exclude=temperature,state and history=true with limit=300',
    params: {
      exclude: string().describe('temperature, state; separated by commas').default(''),
      history: bool().describe('Add temperatures of the last minutes').default(false),
      limit: int({ min: 0 }).describe('Points of history').default(300),
    },
    result: object({
      temperature: record(anyOf(Temperature, list(json())))
        .describe('By tool0, tool1, …, bed and chamber; history is a list. Empty without Klipper')
        .optional(),
      state: PrinterState.optional(),
    }),
  }),
  'octoprint.printer.command': post('/api/printer/command', {
    ...HTTP,
    summary: 'Run G-code; errors appear on the console',
    params: {
      command: string().optional(),
      commands: anyOf(list(string()), string()).describe('Run one after the other').optional(),
    },
    result: object({}),
  }),
  'octoprint.job': get('/api/job', { ...HTTP, summary: 'The print and its progress', result: Job }),
  'octoprint.job.command': post('/api/job', {
    ...HTTP,
    summary: 'Start, pause, resume or cancel the print; 409 without a file or print to act on',
    params: {
      command: choice('start', 'pause', 'cancel', 'restart'),
      action: choice('pause', 'resume', 'toggle').describe('For the command pause').default('toggle'),
    },
    result: NO_CONTENT,
  }),
  'octoprint.files': get('/api/files', {
    ...HTTP,
    summary: 'Files that can be printed; query: recursive=true',
    params: { recursive },
    result: Files,
  }),
  'octoprint.files.local': get('/api/files/local', {
    ...HTTP,
    summary: 'The same as /api/files',
    params: { recursive },
    result: Files,
  }),
  'octoprint.file': get('/api/files/{location}/{path}', {
    ...HTTP,
    summary: 'A file, or a folder with its content',
    params: { location, path, recursive },
    result: FileInfo,
  }),
  'octoprint.file.command': post('/api/files/{location}/{path}', {
    ...HTTP,
    summary: 'select: select the file for the command start; with print, print it',
    params: { location, path, command: string(), print: bool().default(false) },
    result: NO_CONTENT,
  }),
  'octoprint.file.delete': del('/api/files/{location}/{path}', {
    ...HTTP,
    summary: 'Delete a file',
    params: { location, path },
    result: NO_CONTENT,
  }),
} satisfies Methods

/** The reply to an upload: that of /server/files/upload together with OctoPrint's. */
export const OctoPrintUpload = object({
  item: object({ path: string(), root: string(), modified: float(), size: int(), permissions: string() }),
  print_started: bool().optional(),
  print_queued: bool().optional(),
  action: choice('create_file', 'modify_file'),
  done: bool(),
  effectiveSelect: bool(),
  effectivePrint: bool(),
  files: object({ local: object({ ...FileFacts, refs: Refs }) }),
})

export const octoprint = chapter({
  title: 'OctoPrint API emulation',
  about: 'What slicers that support OctoPrint call',
  raw: {
    ...bareEndpoints(octoprintEndpoints),
    'octoprint.files.upload': {
      verb: 'POST',
      path: '/api/files/local',
      summary: 'Upload a file; fields as for /server/files/upload, and select',
      body: {
        'multipart/form-data': {
          type: 'object',
          required: ['file'],
          properties: {
            file: { type: 'string', format: 'binary' },
            path: string().describe('A folder; created if missing').json,
            print: bool().describe('Print the file').json,
            select: bool().describe('Select the file for the job command start').json,
          },
        },
      },
      status: 201,
      reply: { 'application/json': OctoPrintUpload.json },
    },
  },
})
