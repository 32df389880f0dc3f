// OctoPrint's push messages: connected, history, current and event. Without clients it does nothing.
import type { Core } from '../../../component/component.ts'
import type { Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import { callMethod } from '../../../rpc/call-method.ts'
import { INTERNAL_CALLER } from '../../../rpc/caller.ts'
import type { User } from '../../../rpc/user.ts'
import { isPlainObject } from '../../../schema/index.ts'
import { connectedOf } from '../fixed-answers.ts'
import type { Jobs } from '../job.ts'
import type { PrinterView } from '../printer-view.ts'
import { type Point, type Series, temperatureHistory } from '../temperature-history.ts'
import type { PushChannel, PushPeer } from './channel.ts'
import { PushClient, type Snapshot } from './client.ts'
import type { LoginSessions } from './login-sessions.ts'

/** Seconds between messages of a client without a throttle. */
const INTERVAL = 0.5
/** Points of temperature and lines of the console in a history. */
const HISTORY = 300
/** Seconds that a client has to show who it is. */
const AUTHENTICATION_TIME = 30
const HEIGHT = { gcode_move: ['gcode_position'] }

export class PushFeed {
  readonly #core: Core
  readonly #view: PrinterView
  readonly #jobs: Jobs
  readonly #sessions: LoginSessions
  /** Oldest first. */
  readonly #clients = new Set<PushClient>()
  #timer: Timer | null = null
  #isBusy = false
  #height: number | null = null
  #stateText = ''
  /** Whole seconds of the last point of temperature. */
  #lastPoint = 0
  readonly #follower: Follower = { statusChanged: change => this.#takeHeight(change.gcode_move) }

  constructor(core: Core, parts: { view: PrinterView; jobs: Jobs; sessions: LoginSessions }) {
    this.#core = core
    this.#view = parts.view
    this.#jobs = parts.jobs
    this.#sessions = parts.sessions
  }

  /** Serves a new connection. */
  open(channel: PushChannel, user: User | null): PushPeer {
    const client = new PushClient(channel)
    this.#clients.add(client)
    client.send('connected', connectedOf(this.#core.host.version))
    const timeout = this.#core.clock.after(AUTHENTICATION_TIME, () => {
      if (client.user === null) client.close(1008, 'Unauthorized')
    })
    if (user !== null) this.#welcome(client, user)
    return {
      receive: text => this.#receive(client, text),
      closed: () => {
        timeout.stop()
        this.#remove(client)
      },
    }
  }

  #receive(client: PushClient, text: string): void {
    const message = parse(text)
    if (typeof message.auth === 'string') {
      const user = this.#sessions.userOf(message.auth)
      if (user === undefined) client.send('reauthRequired', { reason: 'stale' })
      else if (client.user === null) this.#welcome(client, user)
    }
    if ('throttle' in message) client.setThrottle(message.throttle)
    if ('subscribe' in message) client.subscribe(message.subscribe)
  }

  #welcome(client: PushClient, user: User): void {
    client.identified(user)
    if (this.#timer === null) {
      this.#timer = this.#core.clock.every(INTERVAL, () => void this.#tick())
      this.follow()
    }
    void this.#sendHistory(client)
  }

  #remove(client: PushClient): void {
    this.#clients.delete(client)
    if ([...this.#clients].some(({ user }) => user !== null)) return
    this.#timer?.stop()
    this.#timer = null
    this.#core.printer.unsubscribe(this.#follower)
  }

  /** To be called when Klippy is ready: a subscription ends with its session. */
  follow(): void {
    if (this.#timer === null) return
    this.#core.printer.subscribe(this.#follower, HEIGHT).then(
      ({ status }) => this.#takeHeight(status.gcode_move),
      error => this.#core.log.debug(`no height for OctoPrint's clients: ${messageOf(error)}`),
    )
  }

  #takeHeight(fields: Readonly<Record<string, unknown>> | undefined): void {
    const position = fields?.gcode_position
    const height: unknown = Array.isArray(position) ? position[2] : undefined
    if (typeof height === 'number') this.#height = height
  }

  async #sendHistory(client: PushClient): Promise<void> {
    try {
      const [snapshot, lines, store, heaters] = await Promise.all([
        this.#snapshot(),
        callMethod(this.#core, 'server.gcode_store', { count: HISTORY }, INTERNAL_CALLER),
        callMethod(this.#core, 'server.temperature_store', {}, INTERNAL_CALLER),
        this.#view.heaters(),
      ])
      const { clock } = this.#core
      const temps = temperatureHistory(store as Record<string, Series>, heaters, HISTORY, clock.now())
      const logs = logsOf(lines)
      client.send('history', { ...snapshot, serverTime: clock.now(), temps, logs, messages: [] })
    } catch (error) {
      this.#core.log.debug(`no history for an OctoPrint client: ${messageOf(error)}`)
    }
  }

  async #snapshot(): Promise<Snapshot> {
    const [state, { job, progress }] = await Promise.all([
      this.#view.state(),
      this.#jobs.describe(INTERNAL_CALLER),
    ])
    return {
      state: { ...state, error: '' },
      job,
      progress,
      currentZ: state.flags.printing || state.flags.paused ? this.#height : null,
      offsets: {},
      resends: { count: 0, transmitted: 0, ratio: 0 },
      busyFiles: [],
    }
  }

  /** Sends what has changed. A tick is skipped while the last one waits for Klippy. */
  async #tick(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      const snapshot = await this.#snapshot()
      await this.#addTemperatures()
      const text = JSON.stringify(snapshot)
      const time = this.#core.clock.now()
      this.#each(client => client.tick(snapshot, text, time))
      this.#noteState(snapshot.state as { readonly text: string })
    } catch (error) {
      this.#core.log.debug(`no update for OctoPrint's clients: ${messageOf(error)}`)
    } finally {
      this.#isBusy = false
    }
  }

  async #addTemperatures(): Promise<void> {
    const time = Math.floor(this.#core.clock.now())
    if (time === this.#lastPoint) return
    this.#lastPoint = time
    const temperatures = Object.entries(await this.#view.temperatures()) as [
      string,
      { readonly actual: number; readonly target: number },
    ][]
    if (temperatures.length === 0) return
    const point: Point = {
      time,
      ...Object.fromEntries(temperatures.map(([name, { actual, target }]) => [name, { actual, target }])),
    }
    this.#each(client => client.temperatures(point))
  }

  #noteState({ text }: { readonly text: string }): void {
    if (text === this.#stateText) return
    this.#stateText = text
    this.event('PrinterStateChanged', { state_id: text.toUpperCase(), state_string: text })
  }

  /** Sends an event of OctoPrint to all clients. */
  event(type: string, payload: object): void {
    this.#each(client => client.event(type, payload))
  }

  /** A line of the console; `direction` is as OctoPrint's log has it. */
  log(direction: 'Send' | 'Recv', text: string): void {
    this.#each(client => client.log(`${direction}: ${text}`))
  }

  #each(action: (client: PushClient) => void): void {
    for (const client of this.#clients) if (client.user !== null) action(client)
  }

  /** Closes the connections of a user who has logged out. */
  closeOf(username: string): void {
    for (const client of this.#clients) {
      if (client.user?.username !== username) continue
      client.send('reauthRequired', { reason: 'logout' })
      client.close(1008, 'Unauthorized')
    }
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const message: unknown = JSON.parse(text)
    return isPlainObject(message) ? message : {}
  } catch {
    return {}
  }
}

/** Lines of the console, as the data store returns them, in the form of OctoPrint's log. */
function logsOf(store: unknown): string[] {
  const { gcode_store: lines } = store as {
    readonly gcode_store: readonly { readonly message: string; readonly type: string }[]
  }
  return lines.map(({ message, type }) => `${type === 'command' ? 'Send' : 'Recv'}: ${message}`)
}
