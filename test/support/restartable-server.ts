// A server that a test can restart on its data folder, and a Klippy that the test controls.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerHost } from '../../src/app/host.ts'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import type { ComponentType } from '../../src/component/component.ts'
import type { Clock } from '../../src/core/clock.ts'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import { checkReply } from './check-reply.ts'
import { FakeKlippy } from './fake-klippy.ts'
import { quickClock } from './quick-clock.ts'
import { testLog } from './test-log.ts'
import { type Frame, WebClient } from './web-client.ts'

/** Print_stats of a printer that does nothing. */
export const IDLE = {
  state: 'standby',
  filename: '',
  total_duration: 0,
  print_duration: 0,
  filament_used: 0,
  message: '',
}

const SECTIONS =
  '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n' +
  '[announcements]\nenable_moonlight: False\n'

/** How the server is set up. */
export interface LastingOptions {
  /** Further text of moonraker.conf. */
  readonly conf?: string
  /** The names of files in the gcodes folder. */
  readonly files?: readonly string[]
  readonly debug?: boolean
  /** Kinds of components in addition to the server's own. */
  readonly components?: readonly ComponentType[]
  /** Seconds of the server's clock in one second. */
  readonly speed?: number
  /** In place of a quick clock. */
  readonly clock?: Clock
  /** Puts files into the data folder, and sets the state of Klippy, before the server starts. */
  readonly prepare?: (paths: DataPaths, klippy: FakeKlippy) => void
}

export class RestartableServer implements AsyncDisposable {
  readonly paths = dataPaths(mkdtempSync(join(tmpdir(), 'lasting-')))
  readonly klippy: FakeKlippy
  readonly log: string[] = []
  /** Quick by default, as a Klippy that was lost is looked for after a while only. */
  readonly clock: Clock
  readonly #host: ServerHost
  readonly #options: LastingOptions
  #server: RunningServer | null = null
  #clients: WebClient[] = []
  readonly #restart = Promise.withResolvers<void>()
  /** Resolves when a client requests a restart; the server goes on. */
  readonly restartRequested = this.#restart.promise

  private constructor(klippy: FakeKlippy, options: LastingOptions) {
    this.klippy = klippy
    this.#options = options
    this.clock = options.clock ?? quickClock(options.speed)
    const console = (line: string) => this.log.push(line)
    const log = testLog({ console })
    this.#host = new ServerHost({ clock: this.clock, log })
  }

  static async start(options: LastingOptions = {}): Promise<RestartableServer> {
    const klippy = await FakeKlippy.start()
    klippy.change('print_stats', IDLE)
    // Without sensors no component renews the subscription late.
    klippy.change('heaters', { available_sensors: [], available_monitors: [] })
    const server = new RestartableServer(klippy, options)
    const { config, gcodes } = server.paths
    for (const folder of [config, gcodes]) mkdirSync(folder, { recursive: true })
    server.configure(options.conf ?? '')
    for (const name of options.files ?? []) writeFileSync(join(gcodes, name), `; ${name}\n`)
    options.prepare?.(server.paths, klippy)
    await server.start()
    return server
  }

  /** Replaces the further text of moonraker.conf, for the next start. */
  configure(conf: string): void {
    // Only tests of services may touch the services of the machine that they run on.
    const machine = conf.includes('[machine]') ? '' : '[machine]\nprovider: none\n'
    writeFileSync(this.paths.configFile, `${SECTIONS}${machine}${conf}\n`)
  }

  get port(): number {
    return this.#server?.port ?? 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get warnings(): string[] {
    return this.#server?.warnings.list() ?? []
  }

  /** Starts the server; resolves once it knows Klippy's state. */
  async start(): Promise<void> {
    this.#server = await startServer({
      paths: this.paths,
      log: this.#host.log,
      host: this.#host,
      klippySocket: this.klippy.path,
      debug: this.#options.debug ?? false,
      components: this.#options.components ?? [],
      observe: checkReply,
      onRestart: () => this.#restart.resolve(),
    })
  }

  /** A client, once Klippy is ready and its print is followed. */
  async client(): Promise<WebClient> {
    const client = await WebClient.open(this.url)
    this.#clients.push(client)
    const { result } = await client.call('server.info')
    if (result.klippy_state !== 'ready') await client.notified('notify_klippy_ready')
    // Sent after the subscriptions of the components, and answered after them.
    await client.call('printer.objects.subscribe', { objects: { print_stats: null } })
    return client
  }

  /** Klippy's print goes on to `change`. Resolves with the notification of it that `client` gets. */
  async print(client: WebClient, change: Partial<typeof IDLE>): Promise<Frame> {
    const from = client.frames.length
    this.klippy.push('print_stats', change)
    return client.find((frame, index) => index >= from && frame.method === 'notify_status_update')
  }

  /** Ends a life of the server; its folder stays. */
  async end(): Promise<void> {
    for (const client of this.#clients.splice(0)) client[Symbol.dispose]()
    await this.#server?.stop()
    this.#server = null
  }

  async restart(): Promise<void> {
    await this.end()
    await this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.#host.stop()
    await this.klippy[Symbol.asyncDispose]()
    rmSync(this.paths.data, { recursive: true, force: true })
  }
}
