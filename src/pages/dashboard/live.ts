// Keeps the model up to date: connects, loads everything in one request, and follows what changes.
import { type Client, connect, type StatusMirror } from '../../client/index.ts'
import { apiBase } from '../shared/address.ts'
import { forgetCredentials, isUnauthorized, storedLogin } from '../shared/credentials.ts'
import { showLogin } from '../shared/login.ts'
import { EMPTY, type Model, textOf } from './model.ts'

/** Milliseconds before another attempt to connect, and between queries while Klippy is not ready. */
const RETRY = 2000
/** Milliseconds between queries of the warnings, which have no notification. */
const WARNINGS = 30_000
/** Milliseconds in which changes of files and jobs count as one. */
const TOGETHER = 300
/** Jobs of the history that the page shows. */
export const JOBS = 8

/** What the page shows of every printer. The sensors that only this one has follow. */
const FOLLOWED = {
  heaters: ['available_sensors'],
  extruder: ['temperature', 'target'],
  heater_bed: ['temperature', 'target'],
  print_stats: null,
  virtual_sdcard: ['progress', 'file_path'],
  display_status: ['message'],
  gcode_move: ['gcode_position', 'speed_factor'],
} as const

/** The value of a settled call; null if it failed. */
function fulfilled<T>(outcome: PromiseSettledResult<T>): T | null {
  return outcome.status === 'fulfilled' ? outcome.value : null
}

export class Live {
  /** The address of the API over HTTP. */
  readonly url = apiBase().href.replace(/\/$/, '')
  readonly #changed: () => void
  #model = EMPTY
  #client: Client | null = null
  #isLoginShown = false
  #mirrors: readonly StatusMirror[] = []
  #shownFile = ''
  #polling: ReturnType<typeof setTimeout> | undefined
  #reloading: ReturnType<typeof setTimeout> | undefined
  /** The parts that a notification has changed since the load started: its reply has older ones. */
  readonly #newer = new Set<string>()
  /** Counts the loads: an earlier one that is still running has no effect. */
  #loads = 0

  /** Calls `changed` after each change of the model. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  get model(): Model {
    return this.#model
  }

  /** The connected client. Throws without a connection. */
  get client(): Client {
    if (this.#client === null) throw new Error('The server does not respond.')
    return this.#client
  }

  #set(change: Partial<Model>): void {
    this.#model = { ...this.#model, ...change }
    this.#changed()
  }

  /** The page is seen again: the browser has slowed it down, so that it has not recorded temperatures. */
  async seen(): Promise<void> {
    const client = this.#client
    if (client?.connected !== true) return
    const [stored] = await client.batch([['server.temperature_store']])
    const temperatures = fulfilled(stored)
    if (temperatures !== null) this.#set({ temperatures })
  }

  #notified(change: Partial<Model>): void {
    for (const part of Object.keys(change)) this.#newer.add(part)
    this.#set(change)
  }

  /** Connects, and stays connected. */
  async start(): Promise<void> {
    this.#disconnect()
    const login = storedLogin(this.url)
    try {
      const client = await connect({
        url: this.url.replace(/^http/, 'ws'),
        client: { name: 'moonraker-ts dashboard', version: '1', type: 'web', url: this.url },
        heartbeat: 5,
        ...(login !== null && { accessToken: login.token }),
      })
      this.#client = client
      this.#listen(client)
      await this.#load()
    } catch (error) {
      if (isUnauthorized(error)) return this.requestLogin('This server shows the printer to its users only.')
      this.#set({ connection: 'lost' })
      setTimeout(() => void this.start(), RETRY)
    }
  }

  /** Closes the connection; its events have no effect any more. */
  #disconnect(): void {
    const client = this.#client
    this.#client = null
    this.#loads += 1
    client?.close()
  }

  /** Shows the login, and connects as that user; with `reason` the page cannot go on without it. */
  async requestLogin(reason?: string): Promise<void> {
    if (this.#isLoginShown) return
    if (reason !== undefined) {
      forgetCredentials()
      this.#disconnect()
      this.#model = EMPTY
      this.#set({ connection: 'refused' })
    }
    this.#isLoginShown = true
    const isDone = await showLogin({ url: this.url, ...(reason !== undefined && { reason }) })
    this.#isLoginShown = false
    if (isDone) await this.start()
  }

  /** Ends the login on this device. */
  async logOut(): Promise<void> {
    forgetCredentials()
    this.#model = EMPTY
    await this.start()
  }

  #listen(client: Client): void {
    const reload = () => void this.#load().catch(error => this.#lost(error))
    client.on('connected', reload)
    client.on('disconnected', () => {
      if (this.#client === client) this.#set({ connection: 'lost' })
    })
    client.on('warning', error => {
      if (isUnauthorized(error)) this.#lost(error)
    })
    client.on('notify_user_logged_out', reload)
    for (const event of [
      'notify_klippy_ready',
      'notify_klippy_shutdown',
      'notify_klippy_disconnected',
    ] as const) {
      client.on(event, reload)
    }
    client.on('notify_print_progress', progress => this.#notified({ progress }))
    client.on('notify_job_queue_changed', ({ updated_queue: changed, ...facts }) => {
      const queued_jobs = changed ?? this.#model.queue?.queued_jobs
      if (queued_jobs !== undefined) this.#notified({ queue: { ...facts, queued_jobs } })
    })
    client.on('notify_history_changed', () => this.#reloadJobs())
    client.on('notify_filelist_changed', ({ item }) => {
      if (item.root === 'gcodes') this.#reloadJobs()
    })
    client.on('notify_webcams_changed', ({ webcams }) => this.#notified({ webcams }))
    client.on('notify_file_analyzed', ({ filename }) => {
      if (filename === this.#shownFile) void this.#loadMetadata(true)
    })
  }

  /** Loads everything at once: it takes one round trip, and one tick of Klippy, which has four a second. */
  async #load(): Promise<void> {
    const load = ++this.#loads
    this.#newer.clear()
    for (const mirror of this.#mirrors) mirror.close()
    this.#mirrors = []
    const [[user, ...parts], mirror] = await Promise.all([
      this.client.batch([
        ['access.get_user'],
        ['server.info', { raw: true }],
        ['server.about'],
        ['printer.info'],
        ['server.history.list', { limit: JOBS }],
        ['server.job_queue.status'],
        ['server.webcams.list'],
        ['server.temperature_store'],
        ['server.analysis.progress'],
      ]),
      this.client.follow(FOLLOWED).catch(() => null),
    ])
    if (load !== this.#loads) return mirror?.close()
    if (user.status === 'rejected') throw user.reason
    const [info, about, printer, jobs, queue, webcams, temperatures, progress] = parts
    const sensors = (mirror?.status.heaters.available_sensors ?? []) as string[]
    const loaded: Partial<Model> = {
      connection: 'open',
      user: user.value,
      info: fulfilled(info),
      about: fulfilled(about),
      printer: fulfilled(printer),
      jobs: fulfilled(jobs)?.jobs ?? null,
      queue: fulfilled(queue),
      webcams: fulfilled(webcams)?.webcams ?? [],
      // The server may have recorded nothing yet, shortly after Klipper is ready.
      temperatures: {
        ...Object.fromEntries(sensors.map(name => [name, { temperatures: [] }])),
        ...fulfilled(temperatures),
      },
      progress: fulfilled(progress),
      status: {},
      metadata: null,
    }
    this.#shownFile = ''
    this.#set(Object.fromEntries(Object.entries(loaded).filter(([part]) => !this.#newer.has(part))))
    this.#poll()
    if (mirror === null || this.#model.info?.klippy_state !== 'ready') return mirror?.close()
    this.#show(mirror)
    const others = sensors.filter(name => !Object.hasOwn(FOLLOWED, name))
    if (others.length === 0) return
    const values = Object.fromEntries(others.map(name => [name, ['temperature', 'target']]))
    const further: StatusMirror = await this.client.follow(values)
    if (load !== this.#loads) further.close()
    else this.#show(further)
  }

  /** Shows the status of a mirror next to that of others, until the next load. */
  #show(mirror: StatusMirror): void {
    this.#mirrors = [...this.#mirrors, mirror]
    const show = () => {
      if (!this.#mirrors.includes(mirror)) return
      this.#set({ status: { ...this.#model.status, ...mirror.status } })
      void this.#loadMetadata()
    }
    mirror.on('change', show)
    show()
  }

  /** Klippy sends no notification when it is ready after an error, and warnings have none at all. */
  #poll(): void {
    clearTimeout(this.#polling)
    const isReady = this.#model.info?.klippy_state === 'ready'
    this.#polling = setTimeout(() => void this.#refresh(), isReady ? WARNINGS : RETRY)
  }

  async #refresh(): Promise<void> {
    const before = this.#model.info?.klippy_state
    if (this.#client?.connected !== true) return
    const [info, printer] = await this.#client.batch([['server.info', { raw: true }], ['printer.info']])
    if (info.status === 'fulfilled') this.#set({ info: info.value, printer: fulfilled(printer) })
    if (this.#model.info?.klippy_state !== before) await this.#load().catch(error => this.#lost(error))
    else this.#poll()
  }

  /** Loads the jobs once for all changes that come together. */
  #reloadJobs(): void {
    clearTimeout(this.#reloading)
    this.#reloading = setTimeout(() => void this.#loadJobs(), TOGETHER)
  }

  async #loadJobs(): Promise<void> {
    const [jobs] = await this.client.batch([['server.history.list', { limit: JOBS }]])
    const list = fulfilled(jobs)
    if (list !== null) this.#set({ jobs: list.jobs })
  }

  /** Loads the metadata of the printed file once; again with `force`. */
  async #loadMetadata(force = false): Promise<void> {
    const filename = textOf(this.#model.status.print_stats?.filename)
    if (filename === this.#shownFile && !force) return
    this.#shownFile = filename
    this.#set({ metadata: null })
    if (filename === '') return
    const [metadata] = await this.client.batch([['server.files.metadata', { filename }]])
    if (this.#shownFile === filename) this.#set({ metadata: fulfilled(metadata) })
  }

  #lost(error: unknown): void {
    if (isUnauthorized(error)) void this.requestLogin('The login has ended.')
    else this.#set({ connection: this.#client?.connected === true ? 'open' : 'lost' })
  }
}
