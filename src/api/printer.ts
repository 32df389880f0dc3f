// API document: "Printer Administration", "Printer Status", "GCode APIs", "Print Management".
import { choice, float, int, json, list, object, record, string } from '../schema/index.ts'
import { getOrPost, post, routes } from './endpoint.ts'

const Ok = choice('ok')

/** Field values of status objects by the objects' names. */
export const Status = record(record(json()))

/** Status objects and the fields wanted of each; null wants all. */
export const StatusRequest = record(list(string()).nullable())

const StatusReply = object({ eventtime: float().describe("Klippy's clock, s"), status: Status })

const KlippyState = choice('startup', 'ready', 'error', 'shutdown')

/** What Klippy says of itself. */
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

export const printer = {
  'printer.info': getOrPost('/printer/info', {
    summary: "Klippy's state, version and host",
    result: PrinterInfo,
    changes: false,
    reading: 'loose',
  }),
  'printer.emergency_stop': post('/printer/emergency_stop', {
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
    reading: 'loose',
  }),
  'printer.objects.query': getOrPost('/printer/objects/query', {
    summary: 'The present status of objects',
    params: { objects: StatusRequest },
    result: StatusReply,
    changes: false,
    reading: 'objects',
  }),
  'printer.objects.subscribe': routes(
    [
      { verb: 'POST', path: '/printer/objects/subscribe' },
      { verb: 'GET', path: '/printer/objects/subscribe' },
    ],
    {
      summary: 'Status now, and its changes as notify_status_update; an empty set of objects ends it',
      params: {
        objects: StatusRequest,
        connection_id: int().describe('Over HTTP: the connection that gets the updates').optional(),
      },
      result: StatusReply,
      role: 'viewer',
      over: ['http', 'websocket', 'unix'],
      reading: 'objects',
    },
  ),
  'printer.query_endstops.status': getOrPost('/printer/query_endstops/status', {
    summary: 'Each endstop: "open" or "TRIGGERED"',
    result: record(string()),
    changes: false,
    reading: 'loose',
  }),
  'printer.gcode.script': getOrPost('/printer/gcode/script', {
    summary: 'Run G-code; answers when it is done',
    params: { script: string() },
    result: Ok,
    reading: 'loose',
  }),
  'printer.gcode.help': getOrPost('/printer/gcode/help', {
    summary: 'Extended G-code commands with their help texts',
    result: record(string()),
    changes: false,
    reading: 'loose',
  }),
  'printer.print.start': post('/printer/print/start', {
    summary: 'Print a file of the gcodes root',
    params: { filename: string().describe('Path below the gcodes root') },
    result: Ok,
  }),
  'printer.print.pause': post('/printer/print/pause', { summary: 'Pause the print', result: Ok }),
  'printer.print.resume': post('/printer/print/resume', { summary: 'Resume the print', result: Ok }),
  'printer.print.cancel': post('/printer/print/cancel', { summary: 'Cancel the print', result: Ok }),
}
