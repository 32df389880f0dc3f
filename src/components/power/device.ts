// One power device: its state, and its requests, one at a time. A request ends after about 10 s, even if the device does
// not reply. A device that failed is read again until it replies.
import type { Core } from '../../component/component.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
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
  readonly #stopping = new AbortController()
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
    this.#stopping.abort(new Error('the server stops'))
    this.#timer?.stop()
    this.#offTimer?.stop()
    this.#driver?.stop?.()
  }

  /** Resolves with the state. Rejects with ApiError for a command that failed. */
  async request(action: DeviceAction, force = false): Promise<string> {
    if (action === 'status') return this.#isInitialised ? this.#read() : this.#state
    try {
      return await this.#run(signal => this.#command(action, force, signal))
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
    this.#run(signal => this.#takeReport(signal)).catch(() => undefined)
  }

  async #takeReport(signal: AbortSignal): Promise<void> {
    const state = this.#reported
    this.#reported = null
    if (state !== null) await this.#observed(state, signal)
  }

  /** Reads the device soon. */
  refresh(): void {
    if (this.#driver !== null) void this.#read()
  }

  /** Reads the state; callers at the same time share one read. */
  #read(): Promise<string> {
    this.#reading ??= this.#run(signal => this.#poll(signal))
      .catch(() => this.#state)
      .finally(() => {
        this.#reading = null
      })
    return this.#reading
  }

  /** Runs `work` when the requests before it have ended, for as long as a request may take. */
  async #run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.#parts.core
    const limit = new Deadline(clock, this.#driver?.timeoutSeconds ?? TIMEOUT, this.#stopping.signal)
    try {
      return await this.#queue.run(() => work(limit.signal), limit.signal)
    } finally {
      limit.stop()
      this.#plan()
    }
  }

  /** Plans the next read: after `poll_interval`, and soon if the state is not known. */
  #plan(): void {
    this.#timer?.stop()
    if (this.#stopping.signal.aborted) return
    const {
      core: { clock },
      options: { poll_interval: interval },
    } = this.#parts
    const isKnown = this.#state === 'on' || this.#state === 'off'
    const seconds = isKnown ? aligned(clock, interval) : Math.min(interval ?? RETRY, RETRY)
    if (seconds !== undefined) this.#timer = clock.after(seconds, () => void this.#read())
  }

  async #poll(signal: AbortSignal): Promise<string> {
    const state = await this.#readState(signal)
    await this.#observed(state, signal)
    return this.#state
  }

  async #readState(signal: AbortSignal): Promise<string> {
    try {
      const state = await untilAborted(this.#usable().read(signal), signal)
      this.#succeeded()
      return state
    } catch (error) {
      this.#failed('cannot be read', error)
      return 'error'
    }
  }

  /** Takes over a state that no request of ours has set. */
  async #observed(state: string, signal: AbortSignal): Promise<void> {
    if (!this.#isInitialised) return this.#initialise(state, signal)
    if (state === this.#state) return
    this.#setState(state)
    if (isSwitch(state)) await this.#parts.switched(state, false)
  }

  /** The first state. Until then the device is in the state `init`. */
  async #initialise(state: string, signal: AbortSignal): Promise<void> {
    if (state === 'init' || state === 'error') return
    this.#isInitialised = true
    const { initial_state } = this.#parts.options
    this.#state = state
    if (initial_state === undefined) return this.#notify()
    const wanted = initial_state ? 'on' : 'off'
    if (state !== wanted) await this.#write(wanted, signal).catch(() => undefined)
    else {
      this.#notify()
      await this.#parts.switched(wanted, true)
    }
  }

  async #command(
    action: Exclude<DeviceAction, 'status'>,
    force: boolean,
    signal: AbortSignal,
  ): Promise<string> {
    await this.#pollBeforeCommand(signal)
    const toggled = this.#state === 'off' ? 'on' : 'off'
    const to = action === 'toggle' ? toggled : action
    if (to === this.#state) return this.#state
    if (!force) await this.#checkLock()
    await this.#write(to, signal)
    return this.#state
  }

  /** A device that does not reply gets the command as well: half of the time is left for that. */
  async #pollBeforeCommand(signal: AbortSignal): Promise<void> {
    const half = (this.#driver?.timeoutSeconds ?? TIMEOUT) / 2
    const limit = new Deadline(this.#parts.core.clock, half, signal)
    try {
      await this.#poll(limit.signal)
    } finally {
      limit.stop()
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
  async #write(to: Wanted, signal: AbortSignal): Promise<void> {
    try {
      const state = await untilAborted(this.#usable().write(to, signal), signal)
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
    if (problem === this.#problem || this.#stopping.signal.aborted) return
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

/**
 * A signal that is aborted after some time, or with another signal. For polls, AbortSignal.any leaves too much to the
 * garbage collector.
 */
class Deadline {
  readonly signal: AbortSignal
  readonly #timer: Timer
  readonly #outer: AbortSignal
  readonly #onAbort: () => void

  constructor(clock: Clock, seconds: number, outer: AbortSignal) {
    const controller = new AbortController()
    this.signal = controller.signal
    this.#outer = outer
    this.#onAbort = () => controller.abort(outer.reason)
    this.#timer = clock.after(seconds, () =>
      controller.abort(new Error(`no reply within ${seconds} seconds`)),
    )
    outer.addEventListener('abort', this.#onAbort)
    if (outer.aborted) this.#onAbort()
  }

  stop(): void {
    this.#timer.stop()
    this.#outer.removeEventListener('abort', this.#onAbort)
  }
}

/** Settles as `promise` does; rejects when `signal` is aborted before. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function isSwitch(state: string): state is Wanted {
  return state === 'on' || state === 'off'
}
