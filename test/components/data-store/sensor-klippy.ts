// A Klippy with sensors only; the test sets their list and values.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FrameSplitter, frame } from '../../../src/klippy/framing.ts'
import { type ObjectRequest, pick } from '../../../src/klippy/object-request.ts'

type Status = Record<string, Record<string, unknown>>

/** The sections of printer.cfg. */
export interface Sensors {
  readonly sensors: readonly string[]
  readonly monitors?: readonly string[]
  readonly values: Status
}

export class SensorKlippy implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'klippy-'))
  readonly socketPath = path.join(this.#folder, 'klippy.sock')
  readonly #server = createServer(socket => this.#accept(socket))
  /** The objects of the present subscription. */
  subscribed: readonly string[] = []
  /** How many queries were received. */
  queries = 0
  #socket: Socket | null = null
  #status: Status = {}

  private constructor(sensors: Sensors) {
    this.#configure(sensors)
  }

  static async start(sensors: Sensors): Promise<SensorKlippy> {
    const klippy = new SensorKlippy(sensors)
    await new Promise<void>(resolve => {
      klippy.#server.listen(klippy.socketPath, resolve)
    })
    return klippy
  }

  #configure({ sensors, monitors = [], values }: Sensors): void {
    const heaters = { available_heaters: [], available_sensors: sensors, available_monitors: monitors }
    this.#status = {
      webhooks: { state: 'ready', state_message: 'Printer is ready' },
      heaters,
      ...structuredClone(values),
    }
  }

  #accept(socket: Socket): void {
    this.#socket = socket
    const splitter = new FrameSplitter(1024 * 1024)
    socket.on('error', () => {})
    socket.on('data', chunk => {
      for (const text of splitter.push(chunk)) {
        const { id, method, params } = JSON.parse(text.toString())
        socket.write(frame({ id, result: this.#answer(method, params) }))
      }
    })
  }

  #answer(method: string, params: { readonly objects: ObjectRequest }): unknown {
    if (method === 'info') return this.#status.webhooks
    if (method === 'list_endpoints') return { endpoints: [] }
    if (method === 'objects/list') return { objects: Object.keys(this.#status) }
    if (method === 'objects/subscribe') this.subscribed = Object.keys(params.objects)
    if (method === 'objects/query') this.queries += 1
    if (method === 'objects/query' || method === 'objects/subscribe') {
      return { eventtime: 1, status: pick(this.#status, params.objects) }
    }
    return {}
  }

  /** Sensors report new values. */
  report(change: Status): void {
    for (const name in change) this.#status[name] = { ...this.#status[name], ...change[name] }
    this.#socket?.write(frame({ method: 'process_status_update', params: { eventtime: 2, status: change } }))
  }

  /** Prints a line on the console. */
  print(response: string): void {
    this.#socket?.write(frame({ method: 'process_gcode_response', params: { response } }))
  }

  /** Disconnects and reconnects with another printer.cfg. */
  restart(sensors: Sensors): void {
    this.#configure(sensors)
    this.#socket?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise(resolve => {
      this.#server.close(resolve)
    })
    this.#socket?.destroy()
    await closed
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
