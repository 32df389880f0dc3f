// One power device: its state, and its requests, one at a time. A request ends after about 10 s, even if the device does
// not reply. A device that failed is read again until it replies.
import type { Core } from '../../component/component.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { Deadline } from './deadline.ts'
import type { DriverModule, PowerDriver, Wanted } from './driver.ts'
import type { DeviceOptions, PowerType } from './options.ts'
import type { DeviceAction, DeviceRecord } from './service.ts'

/** The time for one request, in seconds. */
const TIMEOUT = 10
/** The longest time until a device that failed is read again. */
const RETRY = 5
/** Requests that wait for the device. */
const MAX_QUEUED = 20

/** What a device is made from. */
export interface DeviceParts {
  readonly core: Core
  readonly name: string
  readonly options: DeviceOptions
  /**
   * The device was switched, or its state changed. `isOurs`: by a request. Resolves when what depends on the device has
   * been done.
   */
  readonly switched: (state: Wanted, isOurs: boolean) => Promise<void>
}

export class PowerDevice {
  readonly name: string
  readonly #parts: DeviceParts
  readonly #queue: ConcurrencyLimit
  /** Those of the requests that run or wait. */
  readonly #deadlines = new Set<Deadline>()
  #isStopped = false
  #driver: PowerDriver | null = null
  #failure: DriverModule<PowerType>['failure'] = name => name
  #state = 'init'
  #isInitialised = false
  #reading: Promise<string> | null = null
  /** The last report, until it is taken. */
  #reported: string | null = null
  #timer: Timer | null = null
  #offTimer: Timer | null = null
  #problem = ''

  constructor(parts: DeviceParts) {
    this.name = parts.name
    this.#parts = parts
    this.#queue = new ConcurrencyLimit({
      what: `requests to the power device ${parts.name}`,
      maxRunning: 1,
      maxQueued: MAX_QUEUED,
    })
  }

  get record(): DeviceRecord {
    const { locked_while_printing, type } = this.#parts.options
    return { device: this.name, status: this.#state, locked_while_printing, type, ...this.#driver?.facts?.() }
  }

  /** Starts to read the device. */
  async start(driver: PowerDriver, failure: DriverModule<PowerType>['failure']): Promise<void> {
    this.#driver = driver
    this.#failure = failure
    await driver.start?.()
    this.refresh()
  }

  stop(): void {
    this.#isStopped = true
    for (const deadline of this.#deadlines) deadline.cancel(new Error('the server stops'))
    this.#timer?.stop()
    this.#offTimer?.stop()
    this.#driver?.stop?.()
  }

  /** Resolves with the state. Rejects with ApiError for a command that failed. */
  async request(action: DeviceAction, force = false): Promise<string> {
    if (action === 'status') return this.#isInitialised ? this.#read() : this.#state
    try {
      return await this.#run(deadline => this.#command(action, force, deadline))
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw new ApiError(503, `The power device ${this.name} is busy: ${messageOf(error)}`, { cause: error })
    }
  }

  /** The device reported its state. */
  report(state: string): void {
    const isQueued = this.#reported !== null
    this.#reported = state
    if (isQueued) return
    this.#run(deadline => this.#takeReport(deadline)).catch(() => undefined)
  }

  async #takeReport(deadline: Deadline): Promise<void> {
    const state = this.#reported
    this.#reported = null
    if (state !== null) await this.#observed(state, deadline)
  }

  /** Reads the device soon. */
  refresh(): void {
    if (this.#driver !== null) void this.#read()
  }

  /** Reads the state; callers at the same time share one read. */
  #read(): Promise<string> {
    this.#reading ??= this.#run(deadline => this.#poll(deadline))
      .catch(() => this.#state)
      .finally(() => {
        this.#reading = null
      })
    return this.#reading
  }

  /** Runs `work` when the requests before it have ended, for as long as a request may take. */
  async #run<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (this.#isStopped) throw new Error('the server stops')
    const deadline = new Deadline(this.#parts.core.clock, this.#timeoutSeconds)
    this.#deadlines.add(deadline)
    try {
      return await this.#queue.run(() => work(deadline), this.#queue.isFull ? deadline.signal : undefined)
    } finally {
      deadline.stop()
      this.#deadlines.delete(deadline)
      this.#plan()
    }
  }

  get #timeoutSeconds(): number {
    return this.#driver?.timeoutSeconds ?? TIMEOUT
  }

  /** Plans the next read: after `poll_interval`, and soon if the state is not known. */
  #plan(): void {
    this.#timer?.stop()
    if (this.#isStopped) return
    const {
      core: { clock },
      options: { poll_interval: interval },
    } = this.#parts
    const isKnown = this.#state === 'on' || this.#state === 'off'
    const seconds = isKnown ? aligned(clock, interval) : Math.min(interval ?? RETRY, RETRY)
    if (seconds !== undefined) this.#timer = clock.after(seconds, () => void this.#read())
  }

  async #poll(deadline: Deadline): Promise<string> {
    const state = await this.#readState(deadline)
    await this.#observed(state, deadline)
    return this.#state
  }

  async #readState(deadline: Deadline): Promise<string> {
    try {
      const state = await deadline.limit(this.#usable().read(deadline))
      this.#succeeded()
      return state
    } catch (error) {
      this.#failed('cannot be read', error)
      return this.#isInitialised ? 'error' : this.#state
    }
  }

  /** Takes over a state that no request of ours has set. */
  async #observed(state: string, deadline: Deadline): Promise<void> {
    if (!this.#isInitialised) return this.#initialise(state, deadline)
    if (state === this.#state) return
    this.#setState(state)
    if (isSwitch(state)) await this.#parts.switched(state, false)
  }

  /** The first state. Until then the device is in the state `init`, or in `error` if it reports that. */
  async #initialise(state: string, deadline: Deadline): Promise<void> {
    if (state === 'init' || state === 'error') return this.#setState(state)
    this.#isInitialised = true
    const { initial_state } = this.#parts.options
    this.#state = state
    if (initial_state === undefined) return this.#notify()
    const wanted = initial_state ? 'on' : 'off'
    if (state !== wanted) await this.#write(wanted, deadline).catch(() => undefined)
    else {
      this.#notify()
      await this.#parts.switched(wanted, true)
    }
  }

  async #command(
    action: Exclude<DeviceAction, 'status'>,
    force: boolean,
    deadline: Deadline,
  ): Promise<string> {
    await this.#pollBeforeCommand(deadline)
    const toggled = this.#state === 'off' ? 'on' : 'off'
    const to = action === 'toggle' ? toggled : action
    if (to === this.#state) return this.#state
    if (!force) await this.#checkLock()
    await this.#write(to, deadline)
    return this.#state
  }

  /** A device that does not reply gets the command as well: half of the time is left for that. */
  async #pollBeforeCommand(deadline: Deadline): Promise<void> {
    const half = new Deadline(this.#parts.core.clock, this.#timeoutSeconds / 2)
    const onCancel = (reason: unknown) => half.cancel(reason)
    deadline.onCancel(onCancel)
    try {
      await this.#poll(half)
    } finally {
      half.stop()
      deadline.offCancel(onCancel)
    }
  }

  async #checkLock(): Promise<void> {
    if (!this.#parts.options.locked_while_printing) return
    if (await this.#parts.core.printer.isPrinting()) {
      this.#notify()
      throw new ApiError(400, `Unable to change power for ${this.name} while printing`)
    }
  }

  /** Switches. Rejects with ApiError. */
  async #write(to: Wanted, deadline: Deadline): Promise<void> {
    try {
      const state = await deadline.limit(this.#usable().write(to, deadline))
      this.#succeeded()
      this.#isInitialised = true
      this.#state = state
      this.#notify()
      this.#planOff()
    } catch (error) {
      this.#failed(`was not switched ${to}`, error)
      if (this.#isInitialised) this.#state = 'error'
      this.#notify()
      throw error instanceof ApiError
        ? error
        : new ApiError(400, this.#failure(this.name, to), { cause: error })
    }
    if (isSwitch(this.#state)) await this.#parts.switched(this.#state, true)
  }

  /** Plans to switch off a device with a timer of the server. */
  #planOff(): void {
    this.#offTimer?.stop()
    const { offAfterSeconds: seconds } = this.#usable()
    if (seconds === undefined || this.#state !== 'on') return
    this.#offTimer = this.#parts.core.clock.after(seconds, () => {
      this.request('off', true).catch(() => undefined)
    })
  }

  #usable(): PowerDriver {
    if (this.#driver === null) throw new ApiError(503, `The power device ${this.name} is not started yet`)
    return this.#driver
  }

  #setState(state: string): void {
    if (state === this.#state) return
    this.#state = state
    this.#notify()
  }

  /** After a refused or failed command too: a client may show the state that it requested. */
  #notify(): void {
    const { connections, events } = this.#parts.core
    connections.notify('notify_power_changed', this.record)
    events.emit('power:changed', this.name, this.#state)
  }

  /** Logs an error once, until the device replies again or fails otherwise. */
  #failed(what: string, error: unknown): void {
    const problem = `${what}: ${messageOf(error)}`
    if (problem === this.#problem || this.#isStopped) return
    this.#problem = problem
    this.#parts.core.log.warning(`the power device ${this.name} ${problem}`)
  }

  #succeeded(): void {
    if (this.#problem !== '') this.#parts.core.log.info(`the power device ${this.name} replies again`)
    this.#problem = ''
  }
}

/** `seconds`, so that it ends at a whole second: devices are read together, since each wake-up costs as much as a read. */
function aligned(clock: Clock, seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined
  const now = clock.monotonic()
  return Math.round(now + seconds) - now
}

function isSwitch(state: string): state is Wanted {
  return state === 'on' || state === 'off'
}
