// The virtual printer as an object: starts, stops, restarts, and simulates failures.

import type { Server, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Connection } from './api/connection.ts'
import { isRecord } from './api/endpoints.ts'
import { closeServer, listenOn } from './api/socket-server.ts'
import { errorReply } from './api/webhooks.ts'
import { SimClock } from './clock.ts'
import { messageOf, WebRequestError } from './errors.ts'
import { KlippyLog } from './klippy-log.ts'
import { type KlippyRun, startRun } from './klippy-run.ts'
import type { KlippyState } from './lifecycle.ts'

/** Milliseconds at speed 1 without a listening socket during a restart. */
const RESTART_PAUSE = 200

/** The files, the socket and the pace of a virtual printer. */
export interface VirtualPrinterOptions {
  /** Unix socket for API clients. */
  readonly socketPath: string
  /** printer.cfg; must exist. */
  readonly configFile: string
  /** Folder of G-code files when `[virtual_sdcard]` has no path or its path does not exist. */
  readonly gcodesPath?: string
  /** klippy.log; none when left out. */
  readonly logFile?: string
  /** Simulated seconds per real second; 1 when left out. */
  readonly speed?: number
  /** Simulated seconds from `start` or a restart to the state `ready`; 0.5 when left out. */
  readonly startupTime?: number
  /** Real seconds between status updates; 0.25 when left out, as with Klipper. */
  readonly statusInterval?: number
}

/** A Klippy without hardware. Its socket, protocol, states and timing are those of the real one. */
export class VirtualPrinter {
  readonly #options: VirtualPrinterOptions
  readonly #log: KlippyLog
  readonly #connections = new Set<Connection>()
  readonly #temperatures = new Map<string, number>()
  readonly #filament = new Map<string, boolean>()
  #server: Server | undefined
  #current: KlippyRun | undefined
  #hung = false
  #stopped = false
  #restarting: Promise<void> = Promise.resolve()

  constructor(options: VirtualPrinterOptions) {
    this.#options = options
    this.#log = new KlippyLog(options.logFile)
  }

  /** Klippy's state; `startup` also while it is not running. */
  get state(): KlippyState {
    return this.#current?.host.lifecycle.state ?? 'startup'
  }

  /** Klippy's state message. */
  get stateMessage(): string {
    return this.#current?.host.lifecycle.message ?? ''
  }

  /** Listens on the socket; resolves then, in the state `startup` or `error`. Rejects when the socket is in use. */
  async start(): Promise<void> {
    this.#log.write('Starting Klippy...')
    await this.#startRun()
  }

  /** Closes the socket, the connections and all timers. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#restarting
    await this.#endRun()
    await this.#log.flush()
  }

  /** Resolves when the state is `ready`; rejects when it becomes `error` or `shutdown` first. */
  async untilReady(): Promise<void> {
    await this.#restarting
    const lifecycle = this.#current?.host.lifecycle
    if (lifecycle === undefined) throw new Error('the virtual printer is not running; call start() first')
    if (lifecycle.state === 'startup') {
      await new Promise<void>(resolve => {
        lifecycle.onReady(resolve)
        lifecycle.onShutdown(resolve)
      })
    }
    if (lifecycle.state !== 'ready') throw new Error(lifecycle.message.trim())
  }

  /** Shuts the machine down with this reason, as a failure of its electronics does. */
  shutdown(reason: string): void {
    this.#current?.host.lifecycle.shutdown(reason)
  }

  /** Delays all replies and messages; connections stay open and requests queue up. */
  hang(): void {
    this.#hung = true
    for (const connection of this.#connections) connection.hang()
  }

  /** Ends `hang` and sends the delayed messages. */
  resume(): void {
    this.#hung = false
    for (const connection of this.#connections) connection.unhang()
  }

  /** Closes all connections without a message; clients may reconnect at once. */
  drop(): void {
    for (const connection of this.#connections) connection.drop()
  }

  /** Restarts as RESTART does; resolves when it listens again. */
  restart(): Promise<void> {
    this.#restarting = this.#restarting.then(() => this.#restartRun())
    return this.#restarting
  }

  /** Sends `count` lines of G-code output at once. */
  flood(count: number): void {
    for (let line = 1; line <= count; line++)
      this.#current?.host.gcode.respondInfo(`flood ${line} of ${count}`)
  }

  /** Sends each client the first half of a message and closes the connection. */
  halfMessage(): void {
    for (const connection of this.#connections) {
      connection.sendRaw('{"method":"process_status_update","params":{"eventtime":')
      connection.end()
    }
  }

  /** Runs G-code as from a console. Rejects with the error that the console would show. */
  async gcode(script: string): Promise<void> {
    await this.#run().host.clock.moment(() => this.#run().host.gcode.run(script))
  }

  /** The current status of a printer object; undefined for an unknown name. */
  status(object: string): Record<string, unknown> | undefined {
    return this.#run().host.clock.moment(() => this.#run().host.objects.status(object))
  }

  /** Inserts or removes the filament of a sensor. `sensor` is the section's name without its kind. */
  setFilament(sensor: string, present: boolean): void {
    const known = this.#run().machine?.filamentSensors.get(sensor)
    if (known === undefined)
      throw new Error(`there is no filament sensor '${sensor}' in ${this.#options.configFile}`)
    known.setPresent(present)
  }

  /** Sets the temperature of a heater or sensor in °C. `object` is its object name, e.g. `extruder`. */
  setTemperature(object: string, temperature: number): void {
    const machine = this.#run().machine
    const target = machine?.heatersByObject.get(object) ?? machine?.sensors.get(object)
    if (target === undefined)
      throw new Error(`there is no heater or sensor '${object}' in ${this.#options.configFile}`)
    target.setTemperature(temperature)
  }

  #run(): KlippyRun {
    if (this.#current === undefined) throw new Error('the virtual printer is not running; call start() first')
    return this.#current
  }

  async #startRun(): Promise<void> {
    const { socketPath, configFile, gcodesPath, logFile } = this.#options
    const { speed = 1, startupTime = 0.5, statusInterval = 0.25 } = this.#options
    const clock = new SimClock(speed)
    const run = startRun({
      clock,
      configFile,
      gcodesPath,
      logFile,
      statusInterval,
      log: line => this.#log.write(line),
      restart: kind => this.#scheduleRestart(kind),
    })
    this.#server = await listenOn(socketPath, socket => this.#accept(socket))
    this.#current = run
    this.#restoreMachine(run)
    clock.at(clock.now + startupTime, () => run.host.lifecycle.becomeReady())
  }

  async #endRun(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    const ended = this.#current
    if (ended !== undefined) {
      this.#keepMachine(ended)
      ended.host.lifecycle.end()
      ended.host.clock.close()
    }
    for (const connection of this.#connections) connection.end()
    if (server !== undefined) await closeServer(server)
    this.#current = undefined
  }

  // A restart of the host neither cools the machine nor moves its filament.
  #keepMachine({ machine }: KlippyRun): void {
    for (const [name, heater] of machine?.heatersByObject ?? [])
      this.#temperatures.set(name, heater.temperature)
    for (const [name, sensor] of machine?.filamentSensors ?? []) {
      this.#filament.set(name, sensor.status().filament_detected)
    }
  }

  #restoreMachine({ machine }: KlippyRun): void {
    for (const [name, heater] of machine?.heatersByObject ?? []) {
      const temperature = this.#temperatures.get(name)
      if (temperature !== undefined) heater.setTemperature(temperature)
    }
    for (const [name, sensor] of machine?.filamentSensors ?? [])
      sensor.setPresent(this.#filament.get(name) ?? true)
  }

  // Delayed, so that the reply to RESTART is sent first.
  #scheduleRestart(kind: 'restart' | 'firmware_restart'): void {
    this.#log.write(`Restart requested: ${kind}`)
    setImmediate(() => void this.restart())
  }

  async #restartRun(): Promise<void> {
    if (this.#stopped) return
    this.#current?.host.gcode.respondInfo('Klipper state: Disconnect')
    await this.#endRun()
    await wait(RESTART_PAUSE / (this.#options.speed ?? 1))
    this.#log.write('Restarting printer')
    await this.#startRun()
  }

  #accept(socket: Socket): void {
    const connection: Connection = new Connection(socket, {
      message: text => this.#receive(connection, text),
      closed: () => {
        this.#connections.delete(connection)
        this.#current?.feed.forget(connection)
        this.#current?.remote.forget(connection)
      },
    })
    if (this.#hung) connection.hang()
    this.#connections.add(connection)
  }

  #receive(connection: Connection, text: Buffer): void {
    const run = this.#current
    const request = parseRequest(text)
    if (run === undefined || request === undefined) {
      this.#log.write(`webhooks: invalid request ${text.toString('utf8', 0, 200)}`)
      return
    }
    const reply = (answer: { result: unknown } | { error: unknown }) => {
      if (request.id !== undefined) connection.send({ id: request.id, ...answer })
    }
    const fail = (error: unknown) => {
      try {
        reply({ error: errorReply(error) })
      } catch {
        const message = `Internal Error on WebRequest: ${request.method}`
        this.#log.write(`${message}: ${messageOf(error)}`)
        reply({ error: { error: 'WebRequestError', message } })
        run.host.lifecycle.shutdown(message)
      }
    }
    run.host.clock.moment(() => {
      try {
        if (request.method === '') throw new WebRequestError('Missing Argument [method]')
        const handler = run.host.endpoints.handler(request.method)
        const result = handler({ connection, method: request.method, params: request.params })
        if (result instanceof Promise) result.then(value => reply({ result: value }), fail)
        else reply({ result })
      } catch (error) {
        fail(error)
      }
    })
  }
}

interface ParsedRequest {
  id: unknown
  method: string
  params: Record<string, unknown>
}

function parseRequest(text: Buffer): ParsedRequest | undefined {
  try {
    const message: unknown = JSON.parse(text.toString('utf8'))
    if (!isRecord(message)) return undefined
    const { id, method, params } = message
    return {
      id,
      method: typeof method === 'string' ? method : '',
      params: isRecord(params) ? params : {},
    }
  } catch {
    return undefined
  }
}
