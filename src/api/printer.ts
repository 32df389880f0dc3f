// API document: "Printer Administration", "Printer Status", "GCode APIs", "Print Management".
import {
  anyOf,
  bool,
  choice,
  commaItems,
  type Field,
  float,
  int,
  json,
  keyed,
  list,
  object,
  record,
  string,
} from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { DIRECT_TRANSPORTS, getOrPost, post } from './endpoint.ts'

const Ok = choice('ok')

/** What of a file does not fit the printer, in replies to those who start its print. */
export const printWarnings = list(string())
  .nullable()
  .describe('What of the file does not fit the printer; null if it could not be analysed within 30 s')

/** Field values of status objects by the objects' names. */
export const Status = record(record(json()))

/** Fields of one status object, with their values. */
export type ObjectStatus = Readonly<Record<string, unknown>>

/** A field-wise change of status objects. */
export type StatusChange = Readonly<Record<string, ObjectStatus>>

/**
 * Status objects and the requested fields of each; null for all. Over HTTP each object may be an argument itself, with
 * its fields separated by commas: `?toolhead=position,homed_axes&print_stats`.
 */
function byObject<F extends Field<unknown>>(field: F) {
  return keyed(field, fieldsOf).describe(
    'The fields wanted of each object, null for all; over HTTP also ?OBJECT=FIELD,FIELD or ?OBJECT',
  )
}

const FieldNames = record(list(string()).nullable())

function fieldsOf(value: unknown): unknown {
  if (value === '' || value === null) return null
  if (typeof value === 'string') return commaItems(value)
  if (!Array.isArray(value)) return value
  return value.flatMap(item => (typeof item === 'string' ? commaItems(item) : [item]))
}

/** A print as Klipper reports it (its object print_stats). Durations in seconds, filament in mm. */
export interface PrintStats {
  readonly filename: string
  readonly state: string
  readonly total_duration: number
  readonly print_duration: number
  readonly filament_used: number
  /** Why it failed; '' otherwise. */
  readonly message: string
}

/** Why a job ended in an error. */
export type JobFailure = 'error' | 'klippy_shutdown' | 'klippy_disconnect'

const StartedPrint = object({ state: Ok, warnings: printWarnings }).describe('With `warnings`')

const StatusReply = object({ eventtime: float().describe("Klippy's clock, s"), status: Status })

const KlippyState = choice('startup', 'ready', 'error', 'shutdown')

/** What Klippy reports about itself. */
export const PrinterInfo = object({
  state: KlippyState,
  state_message: string(),
  hostname: string().optional(),
  software_version: string(),
  cpu_info: string().optional(),
  klipper_path: string().optional(),
  python_path: string().optional(),
  process_id: int().optional(),
  user_id: int().optional(),
  group_id: int().optional(),
  log_file: string().optional(),
  config_file: string().optional(),
})

export const printer = chapter({
  title: 'Printer',
  about: 'Klipper: status and subscriptions, G-code, prints, restarts',
  methods: {
    'printer.info': getOrPost('/printer/info', {
      summary: "Klippy's state, version and host",
      result: PrinterInfo,
      changes: false,
      passThrough: true,
    }),
    'printer.emergency_stop': getOrPost('/printer/emergency_stop', {
      summary: 'Stop the printer at once; Klippy shuts down',
      result: Ok,
    }),
    'printer.restart': post('/printer/restart', { summary: "Restart Klippy's host software", result: Ok }),
    'printer.firmware_restart': post('/printer/firmware_restart', {
      summary: "Restart Klippy and the printer's controllers",
      result: Ok,
    }),
    'printer.objects.list': getOrPost('/printer/objects/list', {
      summary: 'The status objects that can be queried',
      result: object({ objects: list(string()) }),
      changes: false,
      passThrough: true,
    }),
    'printer.objects.query': getOrPost('/printer/objects/query', {
      summary: 'The current status of objects',
      params: {
        objects: byObject(FieldNames),
        connection_id: int().describe('Ignored; printer.objects.subscribe uses it').optional(),
      },
      example: { objects: { print_stats: null, toolhead: ['position', 'homed_axes'] } },
      result: StatusReply,
      changes: false,
      passThrough: true,
    }),
    'printer.objects.subscribe': getOrPost('/printer/objects/subscribe', {
      summary:
        'The current status, and later changes as notify_status_update; without objects the subscription ends',
      params: {
        objects: byObject(FieldNames.default({})),
        connection_id: int().describe('Over HTTP: the connection that receives the updates').optional(),
      },
      example: { objects: { print_stats: null, extruder: ['temperature', 'target'] } },
      result: StatusReply,
      role: 'viewer',
      transports: [...DIRECT_TRANSPORTS, 'mqtt'],
      subscribes: true,
      passThrough: true,
    }),
    'printer.query_endstops.status': getOrPost('/printer/query_endstops/status', {
      summary: 'Each endstop: "open" or "TRIGGERED"',
      result: record(string()),
      changes: false,
      passThrough: true,
    }),
    'printer.gcode.script': getOrPost('/printer/gcode/script', {
      summary: 'Run G-code; the reply comes when it has finished',
      params: { script: string() },
      example: { script: 'M117 Hello' },
      result: Ok,
      passThrough: true,
    }),
    'printer.gcode.help': getOrPost('/printer/gcode/help', {
      summary: 'Extended G-code commands with their help texts',
      result: record(string()),
      changes: false,
      passThrough: true,
    }),
    'printer.print.start': post('/printer/print/start', {
      summary: 'Print a file of the gcodes root',
      params: {
        filename: string().describe('Path below the gcodes root'),
        warnings: bool()
          .describe(
            'Reply with an object that contains what of the file does not fit the printer; only this server',
          )
          .default(false),
      },
      example: { filename: 'part.gcode' },
      result: anyOf(Ok, StartedPrint),
    }),
    'printer.print.pause': post('/printer/print/pause', { summary: 'Pause the print', result: Ok }),
    'printer.print.resume': post('/printer/print/resume', { summary: 'Resume the print', result: Ok }),
    'printer.print.cancel': post('/printer/print/cancel', { summary: 'Cancel the print', result: Ok }),
  },
  notifications: {
    notify_gcode_response: notification('Klipper printed a line on its console', string()),
    notify_status_update: notification(
      "Subscribed fields that changed, and Klippy's clock in seconds",
      Status,
      float(),
    ),
    notify_klippy_ready: notification('Klippy is ready'),
    notify_klippy_shutdown: notification('Klippy has shut down'),
    notify_klippy_disconnected: notification('The connection to Klippy has ended'),
  },
  events: {
    'klippy:identified': event('Klippy is connected and has identified itself; it need not be ready'),
    'klippy:ready': event('Klippy is ready to print'),
    'klippy:error': event('Klippy could not start; it still answers'),
    'klippy:shutdown': event('Klippy has shut down; it still answers'),
    'klippy:disconnected': event('The connection to Klippy has ended'),
    'klippy:gcode_response': event<[response: string]>('Klippy printed a line on its console'),
    'klippy:gcode_command': event<[script: string]>('A caller sends a script to Klippy'),
    'klippy:status': event<[change: StatusChange, eventtime: number]>(
      "Subscribed status changed, at `eventtime` of Klippy's clock, s",
    ),
    'printer:print_requested': event<[filename: string, username: string | null]>(
      'The server starts a print for a user; null without one',
    ),
    'job:started': event<[stats: PrintStats]>('A job started'),
    'job:found': event<[stats: PrintStats]>(
      'A job runs that started before the server, or while Klippy was not connected',
    ),
    'job:paused': event<[stats: PrintStats]>('A job was paused'),
    'job:resumed': event<[stats: PrintStats]>('A job was resumed'),
    'job:completed': event<[stats: PrintStats]>(
      'A job was completed; the stats are the last of the job itself',
    ),
    'job:cancelled': event<[stats: PrintStats]>(
      'A job was cancelled; the stats are the last of the job itself',
    ),
    'job:error': event<[stats: PrintStats, failure: JobFailure]>(
      'A job failed; the stats are the last of the job itself',
    ),
    'job:standby': event<[stats: PrintStats, wasRunning: boolean]>(
      'Klipper has unloaded the file; that cancels a running job. The stats are the last of the job itself',
    ),
  },
})

/** A chapter of one endpoint that Klippy registered and no other chapter declares; `path` is Klippy's own. */
export function klippyEndpoint(path: string) {
  const endpoint = getOrPost(`/printer/${path}`, {
    summary: `Klipper's own endpoint ${path}`,
    result: json(),
    passThrough: true,
  })
  return chapter({
    title: 'Klipper',
    about: "Klipper's own endpoints as it offers them; their arguments go to Klipper unchanged",
    methods: { [`printer.${path.replaceAll('/', '.')}`]: endpoint },
  })
}
