// A Klippy under the control of a test or a benchmark: it replies, refuses, delays, pushes, sends garbage, disconnects.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameSplitter, frame } from '../../src/klippy/framing.ts'

type Params = Readonly<Record<string, unknown>>
type Fields = Record<string, unknown>

/** A request that Klippy got. */
export interface KlippyRequest {
  readonly method: string
  readonly params: Params
}

/** Thrown in an answer: Klippy refuses with this text. */
export class Refusal extends Error {}

/** Returns a request's result; a promise delays the reply. */
export type Answer = (params: Params) => unknown

interface Subscription {
  readonly objects: Record<string, readonly string[] | null>
  readonly template: Params
}

const ENDPOINTS = [
  'list_endpoints',
  'info',
  'emergency_stop',
  'register_remote_method',
  'gcode/help',
  'gcode/script',
  'gcode/restart',
  'gcode/subscribe_output',
  'objects/list',
  'objects/query',
  'objects/subscribe',
  'bed_mesh/dump_mesh',
]

export class FakeKlippy implements AsyncDisposable {
  readonly path: string
  /** All requests, oldest first. */
  readonly requests: KlippyRequest[] = []
  /** How many connections there have been. */
  connections = 0
  endpoints: readonly string[] = ENDPOINTS
  /** Klippy's clock, s. */
  eventtime = 1000
  /** While true, Klippy does not reply. */
  silent = false
  /** Replies wait for it, as those of Klippy do for its tick. */
  tick: Promise<void> = Promise.resolve()
  status: Record<string, Fields> = {
    webhooks: { state: 'ready', state_message: 'Printer is ready' },
    virtual_sdcard: { progress: 0, file_path: null },
    display_status: { message: null, progress: 0 },
    pause_resume: { is_paused: false },
    heaters: { available_sensors: ['extruder'], available_monitors: [] },
    extruder: { temperature: 21.5, target: 0, power: 0 },
    toolhead: { position: [0, 0, 0, 0], homed_axes: '' },
    print_stats: { state: 'standby', filename: '' },
  }
  readonly #answers = new Map<string, Answer>()
  readonly #waiters = new Set<() => void>()
  readonly #sockets = new Map<Socket, Subscription | null>()
  #ends = 0
  /** Created for this Klippy, and removed with it; null for another's folder. */
  #folder: string | null = null
  #server: Server | null = null
  #output: Params | null = null

  /** Does not listen yet. There must be no file at `path`. */
  constructor(path: string) {
    this.path = path
  }

  /** A Klippy that listens in a folder of its own. */
  static async start(state = 'ready'): Promise<FakeKlippy> {
    const folder = mkdtempSync(join(tmpdir(), 'klippy-'))
    const klippy = new FakeKlippy(join(folder, 'klippy.sock'))
    klippy.#folder = folder
    klippy.status.webhooks = { state, state_message: `Klippy is ${state}` }
    await klippy.listen()
    return klippy
  }

  async listen(): Promise<void> {
    const server = createServer(socket => this.#serve(socket))
    this.#server = server
    await once(server.listen(this.path), 'listening')
  }

  /** Replaces the answer to `method`. */
  answer(method: string, answer: Answer): void {
    this.#answers.set(method, answer)
  }

  /** How many requests for `method` there have been. */
  count(method: string): number {
    return this.requests.filter(request => request.method === method).length
  }

  /** Resolves at the `times`-th request for `method`, with its parameters. */
  async waitFor(method: string, times = 1): Promise<Params> {
    await this.#until(() => this.count(method) >= times)
    return (this.requests.filter(request => request.method === method)[times - 1] as KlippyRequest).params
  }

  /** Resolves at the `times`-th connection. */
  waitForConnection(times: number): Promise<void> {
    return this.#until(() => this.connections >= times)
  }

  /** Resolves when a connection ends from now on. */
  waitForEnd(): Promise<void> {
    const before = this.#ends
    return this.#until(() => this.#ends > before)
  }

  async #until(fulfilled: () => boolean): Promise<void> {
    while (!fulfilled()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  #notify(): void {
    for (const waiter of this.#waiters) waiter()
  }

  #serve(socket: Socket): void {
    const splitter = new FrameSplitter(2 ** 27)
    this.#sockets.set(socket, null)
    socket.on('data', chunk => {
      for (const message of splitter.push(chunk)) this.#read(socket, message)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#ends += 1
      this.#notify()
    })
    this.connections += 1
    this.#notify()
  }

  #read(socket: Socket, message: Buffer): void {
    const { id, method, params = {} } = JSON.parse(message.toString())
    this.requests.push({ method, params })
    if (!this.silent) void this.#reply(socket, id, method, params)
    this.#notify()
  }

  async #reply(socket: Socket, id: unknown, method: string, params: Params): Promise<void> {
    try {
      const answer = this.#answers.get(method) ?? this.#usual(socket, method)
      const result = await answer(params)
      await this.tick
      if (id !== undefined && socket.writable) socket.write(frame({ id, result }))
    } catch (error) {
      const failure = { error: 'WebRequestError', message: (error as Error).message }
      if (socket.writable) socket.write(frame({ id, error: failure }))
    }
  }

  #usual(socket: Socket, method: string): Answer {
    const usual: Record<string, Answer> = {
      info: () => ({ ...this.status.webhooks, software_version: 'v0.13.0-fake', hostname: 'fake' }),
      list_endpoints: () => ({ endpoints: this.endpoints }),
      'objects/list': () => ({ objects: Object.keys(this.status) }),
      'objects/query': ({ objects }) => this.#statusOf(objects as Subscription['objects']),
      'objects/subscribe': ({ objects, response_template }) => {
        const subscription = { objects, template: response_template } as unknown as Subscription
        this.#sockets.set(socket, subscription)
        return this.#statusOf(subscription.objects)
      },
      'gcode/subscribe_output': ({ response_template }) => {
        this.#output = response_template as Params
        return {}
      },
    }
    return usual[method] ?? (() => ({}))
  }

  #statusOf(objects: Subscription['objects']): unknown {
    const status = Object.entries(objects).map(([name, fields]) => {
      const all = this.status[name] ?? {}
      const wanted = fields === null ? all : Object.fromEntries(fields.map(key => [key, all[key] ?? null]))
      return [name, wanted]
    })
    return { eventtime: this.eventtime, status: Object.fromEntries(status) }
  }

  /** Changes status without a push, as between two ticks of Klippy. */
  change(name: string, fields: Fields): void {
    this.status[name] = { ...this.status[name], ...fields }
  }

  /** Changes status and pushes the change to its subscribers. */
  push(name: string, fields: Fields): void {
    this.pushAll({ [name]: fields })
  }

  /** As `push`, for the objects of one tick. */
  pushAll(changes: Readonly<Record<string, Fields>>): void {
    for (const [name, fields] of Object.entries(changes)) this.change(name, fields)
    this.eventtime += 0.25
    for (const [socket, subscription] of this.#sockets) {
      if (subscription === null) continue
      const status: Record<string, Fields> = {}
      for (const [name, fields] of Object.entries(changes)) {
        const wanted = subscription.objects[name]
        const pushed = wanted === null ? fields : pickOf(fields, wanted ?? [])
        if (Object.keys(pushed).length > 0) status[name] = pushed
      }
      if (Object.keys(status).length === 0) continue
      const params = { eventtime: this.eventtime, status }
      socket.write(frame({ ...subscription.template, params }))
    }
  }

  setState(state: string): void {
    this.push('webhooks', { state, state_message: `Klippy is ${state}` })
  }

  /** Prints a line on the console. */
  print(response: string): void {
    this.send(frame({ ...this.#output, params: { response } }))
  }

  /** Calls a method of the server. */
  call(method: string, params: unknown): void {
    this.send(frame({ method, params }))
  }

  /** Sends bytes unchanged. */
  send(bytes: string | Buffer): void {
    for (const socket of this.#sockets.keys()) socket.write(bytes)
  }

  /** Sends everything of this iteration of the event loop in one chunk. */
  inOneChunk(): void {
    for (const socket of this.#sockets.keys()) {
      socket.cork()
      setImmediate(() => socket.uncork())
    }
  }

  /** Ends all connections; accepts new ones. */
  drop(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise(resolve => this.#server?.close(resolve))
    this.drop()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true })
  }
}

function pickOf(fields: Fields, wanted: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => wanted.includes(key)))
}
