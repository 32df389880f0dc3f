// A virtual printer in a folder of its own, and a client on its socket.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameSplitter, frame } from '../../src/klippy/framing.ts'
import { VirtualPrinter } from '../../src/virtual-printer/index.ts'

/** A JSON object of the protocol. */
export type Json = Record<string, unknown>

/** An error reply of Klippy. */
export class KlippyError extends Error {}

/** A small cartesian machine with one hot end, a bed, and the sections that prints need. */
export const MACHINE = `
[mcu]
serial: /dev/virtual
[printer]
kinematics: cartesian
max_velocity: 300
max_accel: 3000
max_z_velocity: 25
max_z_accel: 300
[stepper_x]
step_pin: a
dir_pin: b
rotation_distance: 40
endstop_pin: c
position_endstop: 0
position_max: 235
homing_speed: 80
[stepper_y]
step_pin: a
dir_pin: b
rotation_distance: 40
endstop_pin: c
position_endstop: 0
position_max: 235
homing_speed: 80
[stepper_z]
step_pin: a
dir_pin: b
rotation_distance: 8
endstop_pin: c
position_endstop: 0
position_min: -2
position_max: 250
homing_speed: 15
[extruder]
step_pin: a
dir_pin: b
rotation_distance: 7.7
nozzle_diameter: 0.4
filament_diameter: 1.75
max_extrude_only_distance: 200
max_extrude_cross_section: 50
heater_pin: d
sensor_type: Generic 3950
sensor_pin: e
control: pid
pid_kp: 25
pid_ki: 2.5
pid_kd: 60
min_temp: -20
max_temp: 300
[heater_bed]
heater_pin: d
sensor_type: Generic 3950
sensor_pin: e
control: watermark
min_temp: -20
max_temp: 130
[virtual_sdcard]
on_error_gcode: CANCEL_PRINT
[pause_resume]
[display_status]
[exclude_object]
[respond]
[gcode_arcs]
[force_move]
enable_force_move: True
[idle_timeout]
timeout: 600
`

/** A client of the printer's socket: calls, and unsolicited messages. */
export class Client {
  readonly #socket: Socket
  readonly #answers = new Map<number, (message: Json) => void>()
  readonly #waiters = new Set<() => void>()
  /** Messages without an id, in order. */
  readonly messages: Json[] = []
  /** All messages in order. */
  readonly all: Json[] = []
  readonly closed: Promise<unknown>
  #id = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.closed = once(socket, 'close')
    const splitter = new FrameSplitter(64 * 1024 * 1024)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      for (const message of splitter.push(chunk)) this.#receive(JSON.parse(message.toString()) as Json)
    })
  }

  /** The result of a request; rejects with KlippyError. */
  async call(method: string, params: Json = {}): Promise<Json> {
    const reply = await this.raw({ id: ++this.#id, method, params })
    if ('error' in reply) throw new KlippyError((reply.error as { message: string }).message)
    return reply.result as Json
  }

  /** Sends a request unchanged and resolves with the whole reply. */
  raw(request: Json): Promise<Json> {
    return new Promise(resolve => {
      this.#answers.set(request.id as number, resolve)
      this.#socket.write(frame(request))
    })
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  script(script: string): Promise<Json> {
    return this.call('gcode/script', { script })
  }

  /** Lines of G-code output so far; from `subscribeOutput` on. */
  get output(): string[] {
    return this.messages
      .filter(message => message.method === 'output')
      .map(message => (message.params as { response: string }).response)
  }

  async subscribeOutput(): Promise<void> {
    await this.call('gcode/subscribe_output', { response_template: { method: 'output' } })
  }

  async subscribe(objects: Json): Promise<Json> {
    const answer = await this.call('objects/subscribe', { objects, response_template: { method: 'status' } })
    return answer.status as Json
  }

  async query(object: string): Promise<Json> {
    const answer = await this.call('objects/query', { objects: { [object]: null } })
    return (answer.status as Record<string, Json>)[object]!
  }

  /** Resolves with the result of `found`, called after each message, when it is neither undefined nor false. */
  async until<T>(found: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found()
      if (value !== undefined && value !== false) return value
      await new Promise<void>(resolve => this.#waiters.add(resolve))
    }
  }

  /** Values of one field of an object, in the order of the pushes. */
  pushed(object: string, field: string): unknown[] {
    return this.messages
      .filter(message => message.method === 'status')
      .map(message => (message.params as { status: Record<string, Json> }).status[object]?.[field])
      .filter(value => value !== undefined)
  }

  end(): void {
    this.#socket.destroy()
  }

  #receive(message: Json): void {
    this.all.push(message)
    if (typeof message.id === 'number') this.#answers.get(message.id)?.(message)
    else this.messages.push(message)
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const resolve of waiters) resolve()
  }
}

/** Options of a rig. */
export interface RigOptions {
  config?: string
  speed?: number
  /** Files of the G-code folder. */
  files?: Record<string, string>
  ready?: boolean
}

/** A running printer in its own folder; `await using` stops it. */
export class PrinterRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'virtual-printer-'))
  readonly printer: VirtualPrinter
  readonly #clients = new Set<Client>()

  constructor({ config = MACHINE, speed = 1000, files = {} }: RigOptions) {
    mkdirSync(join(this.folder, 'gcodes'))
    this.writeConfig(config)
    for (const [name, text] of Object.entries(files)) this.writeGcode(name, text)
    this.printer = new VirtualPrinter({
      socketPath: this.path('klippy.sock'),
      configFile: this.path('printer.cfg'),
      gcodesPath: this.path('gcodes'),
      logFile: this.path('klippy.log'),
      speed,
      statusInterval: 0.02,
    })
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  writeConfig(text: string): void {
    writeFileSync(this.path('printer.cfg'), text.replaceAll('{folder}', this.folder))
  }

  writeGcode(name: string, text: string): void {
    writeFileSync(join(this.folder, 'gcodes', name), text)
  }

  async connect(): Promise<Client> {
    const socket = connect(this.path('klippy.sock'))
    await once(socket, 'connect')
    const client = new Client(socket)
    this.#clients.add(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.end()
    await this.printer.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Starts a rig; resolves when the printer is ready, unless `ready` is false. */
export async function startPrinter(options: RigOptions = {}): Promise<PrinterRig> {
  const rig = new PrinterRig(options)
  await rig.printer.start()
  if (options.ready !== false) await rig.printer.untilReady()
  return rig
}

/** Prints a file of the G-code folder to its end; `output` is the console's part since its start. */
export async function print(
  rig: PrinterRig,
  client: Client,
  name: string,
): Promise<Json & { output: string[] }> {
  const from = client.output.length
  await client.subscribe({ virtual_sdcard: ['is_active'] })
  await client.script(`SDCARD_PRINT_FILE FILENAME="${name}"`)
  while (rig.printer.status('virtual_sdcard')!.is_active === true) {
    const seen = client.messages.length
    await client.until(() => client.messages.length > seen)
  }
  return { ...(await client.query('print_stats')), output: client.output.slice(from) }
}
