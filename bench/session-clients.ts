// The clients of a common print: a front-end in a browser, an app on a phone, a touch screen over the unix socket, and
// a home automation that polls.
import { type Address, RawConnection } from './raw-connection.ts'
import { clientFrame, openWebSocket } from './web-socket.ts'

/** Ends each message on the unix socket. */
const ETX = 0x03
/** Seconds between two polls: the default of Home Assistant's integration. */
const POLL = 30

type Objects = Readonly<Record<string, readonly string[] | null>>

/** A client of the session. */
export interface SessionClient {
  /** Bytes that the server has sent to it. */
  readonly received: number
  /** Set when the server has closed the connection. */
  readonly failure: Error | null
  close(): void
}

/** What KlipperScreen subscribes to. */
const SCREEN_OBJECTS: Objects = {
  configfile: ['config'],
  display_status: ['progress', 'message'],
  exclude_object: ['current_object', 'objects', 'excluded_objects'],
  extruder: ['target', 'temperature', 'pressure_advance', 'power'],
  fan: ['speed'],
  'filament_switch_sensor filament': ['enabled', 'filament_detected'],
  gcode_move: ['extrude_factor', 'gcode_position', 'homing_origin', 'speed_factor', 'speed'],
  heater_bed: ['target', 'temperature', 'power'],
  idle_timeout: ['state'],
  motion_report: ['live_position', 'live_velocity', 'live_extruder_velocity'],
  pause_resume: ['is_paused'],
  print_stats: ['print_duration', 'total_duration', 'filament_used', 'filename', 'state', 'message', 'info'],
  'temperature_sensor chamber': ['temperature'],
  'temperature_sensor mcu_temp': ['temperature'],
  'temperature_sensor raspberry_pi': ['temperature'],
  toolhead: ['homed_axes', 'estimated_print_time', 'print_time', 'position', 'extruder', 'max_accel'],
  virtual_sdcard: ['file_position', 'is_active', 'progress'],
  webhooks: ['state', 'state_message'],
}

/** What an app on a phone shows. */
const PHONE_OBJECTS = [
  'display_status',
  'exclude_object',
  'extruder',
  'fan',
  'gcode_move',
  'heater_bed',
  'motion_report',
  'print_stats',
  'temperature_sensor chamber',
  'toolhead',
  'virtual_sdcard',
  'webhooks',
]

/** What Home Assistant shows as sensors. */
const POLLED_OBJECTS: Objects = {
  display_status: ['progress', 'message'],
  extruder: ['temperature', 'target', 'power'],
  fan: ['speed'],
  heater_bed: ['temperature', 'target', 'power'],
  print_stats: null,
  'temperature_sensor chamber': ['temperature'],
  toolhead: ['position'],
  virtual_sdcard: ['progress', 'file_position'],
}

const POLLED_CALLS: readonly (readonly [method: string, params?: object])[] = [
  ['printer.info'],
  ['printer.objects.query', { objects: POLLED_OBJECTS }],
  ['server.files.metadata', { filename: 'part.gcode' }],
  ['server.history.totals'],
  ['server.job_queue.status'],
]

const all = (names: readonly string[]): Objects => Object.fromEntries(names.map(name => [name, null]))

function call(method: string, params: object | undefined, id: number): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }), id })
}

function identify(name: string, type: string): string {
  return call('server.connection.identify', { client_name: name, version: '1', type, url: 'none' }, 0)
}

/** Opens a WebSocket and sends `texts`. */
async function webSocketClient(address: Address, texts: readonly string[]): Promise<RawConnection> {
  const connection = await openWebSocket(address, () => {})
  for (const text of texts) connection.write(clientFrame(text))
  return connection
}

function screen(socketPath: string): RawConnection {
  const connection = new RawConnection({ path: socketPath }, (bytes, start, end) => {
    const last = bytes.subarray(start, end).lastIndexOf(ETX)
    return last === -1 ? start : start + last + 1
  })
  const subscribe = call('printer.objects.subscribe', { objects: SCREEN_OBJECTS }, 1)
  for (const text of [identify('KlipperScreen', 'display'), subscribe]) connection.write(`${text}\x03`)
  return connection
}

/** Polls over a WebSocket; gives what ends it. */
async function homeAutomation(address: Address): Promise<SessionClient> {
  const connection = await webSocketClient(address, [])
  let id = 0
  const poll = () => {
    for (const [method, params] of POLLED_CALLS) connection.write(clientFrame(call(method, params, id++)))
  }
  const timer = setInterval(poll, POLL * 1000)
  poll()
  return {
    get received() {
      return connection.received
    },
    get failure() {
      return connection.failure
    },
    close: () => {
      clearInterval(timer)
      connection.close()
    },
  }
}

/** Connects the clients of a session; without a known unix socket the screen is left out. */
export async function sessionClients(
  address: Address,
  socketPath: string | null,
  objects: readonly string[],
): Promise<SessionClient[]> {
  const subscribe = (names: readonly string[]) =>
    call('printer.objects.subscribe', { objects: all(names) }, 1)
  return [
    await webSocketClient(address, [identify('mainsail', 'web'), subscribe(objects)]),
    await webSocketClient(address, [identify('phone', 'mobile'), subscribe(PHONE_OBJECTS)]),
    ...(socketPath === null ? [] : [screen(socketPath)]),
    await homeAutomation(address),
  ]
}
