// A real server of a chaos run, with a virtual printer that survives it, and with a person who removes the parts.
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as openSocket, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type RunningPrinter, startPrinterInFolder } from '../../src/app/virtual-printer-in-folder.ts'
import { CallError, connect } from '../../src/client/index.ts'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import type { Json } from './hubs.ts'
import type { Node } from './node.ts'

/** How many times faster than a real printer it prints. */
const SPEED = 20
/** Milliseconds between two looks at the plate. */
const LOOK = 400

export class RealPrinter {
  readonly node: Node
  readonly #paths: DataPaths
  readonly #printer: RunningPrinter
  readonly #console: Socket
  readonly #looking: ReturnType<typeof setInterval>
  /** The marks of the files that were started, in their order. */
  readonly starts: string[] = []

  private constructor(node: Node, paths: DataPaths, printer: RunningPrinter, console: Socket) {
    this.node = node
    this.#paths = paths
    this.#printer = printer
    this.#console = console
    this.#followConsole()
    this.#looking = setInterval(() => void this.#look().catch(() => undefined), LOOK)
  }

  /** Starts printer and server; resolves when the server answers. */
  static async start(node: Node, folder: string): Promise<RealPrinter> {
    const paths = dataPaths(folder)
    for (const each of [paths.config, paths.gcodes, paths.logs, paths.comms])
      mkdirSync(each, { recursive: true })
    const printer = await startPrinterInFolder(paths, { speed: SPEED, strict: true })
    writeFileSync(
      paths.configFile,
      `[server]\nhost: 127.0.0.1\nport: 7125\nssl_port: 0\nklippy_uds_address: ${printer.socketPath}\n` +
        '[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n' +
        '[announcements]\nenable_moonlight: False\n',
    )
    const console = openSocket(printer.socketPath)
    await once(console, 'connect')
    const made = new RealPrinter(node, paths, printer, console)
    node.start()
    await made.call('server.info', {})
    return made
  }

  /** Its id in the fleet. */
  get id(): string {
    return readFileSync(join(this.#paths.data, '.moonraker.uuid'), 'utf8').trim()
  }

  /** A file that shows its start on the console, and prints for some seconds. */
  static gcode(mark: string, seconds: number): string {
    return `M118 started ${mark}\nG28\nG1 X10 Y10 Z5 F6000\nG4 P${Math.round(seconds * SPEED * 1000)}\n`
  }

  #followConsole(): void {
    let text = ''
    this.#console.on('data', part => {
      const frames = (text + part.toString()).split('\x03')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const mark = /started (\S+)/.exec(JSON.parse(frame).params?.response ?? '')?.[1]
        if (mark !== undefined) this.starts.push(mark)
      }
    })
    const params = { response_template: { method: 'line' } }
    this.#console.write(`${JSON.stringify({ id: 1, method: 'gcode/subscribe_output', params })}\x03`)
  }

  /** Calls the API of the server, again while it does not answer. */
  async call(method: string, params: object): Promise<Json> {
    for (;;) {
      try {
        return await this.#callOnce(method, params)
      } catch (error) {
        if (error instanceof CallError) throw error
        await delay(100)
      }
    }
  }

  async #callOnce(method: string, params: object): Promise<Json> {
    using client = await connect({ url: this.#paths.socket, reconnect: false })
    return await client.call(method as 'server.info', params as never)
  }

  /** A person removes the part of a print that has ended, and confirms it. */
  async #look(): Promise<void> {
    if (!this.node.isRunning) return
    const { plate_clear: isClear, job } = await this.#callOnce('server.fleet.status', {})
    if (isClear || (job !== null && job.phase !== 'ended')) return
    const { status } = await this.#callOnce('printer.objects.query', { objects: { print_stats: ['state'] } })
    if (!['printing', 'paused'].includes(status.print_stats.state))
      await this.#callOnce('server.job_queue.plate_clear', {})
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking)
    this.#console.destroy()
    await this.#printer.stop()
  }
}
