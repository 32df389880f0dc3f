// Measures the load of the machine and of this process once a second, for all printers of the host.
import type { ThrottledState } from '../../api/machine.ts'
import type { Host, HostPart } from '../../component/host.ts'
import type { Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import { SystemFiles } from '../../core/system-files.ts'
import type { Infer } from '../../schema/index.ts'
import { CpuTemperature } from './cpu-temperature.ts'
import { ProcFiles } from './proc-files.ts'
import { type Sample, Sampler } from './sampler.ts'
import { type ReadThrottling, throttledState, throttlingSources } from './throttling.ts'

/** How many samples of this process are kept (API document, "Get Moonraker Process Stats"). */
const KEPT = 30
/** Seconds between queries of the firmware, each of which may start a program. */
const THROTTLING_PERIOD = 10

/** What slows the processor down. */
export type Throttled = Infer<typeof ThrottledState>

/** Receives each sample, and each change of the throttling. */
export interface LoadListener {
  sampled(sample: Sample): void
  throttled(state: Throttled): void
}

export class LoadMonitor {
  readonly #host: Pick<Host, 'clock' | 'log'>
  readonly #files: SystemFiles
  readonly #sampler: Sampler
  readonly #temperature: CpuTemperature
  readonly #history: Sample['moonraker_stats'][] = []
  readonly #listeners = new Set<LoadListener>()
  readonly #timers: Timer[] = []
  readonly #ending = new AbortController()
  #starting: Promise<void> | null = null
  #latest: Sample | null = null
  /** The first one is queried; a source that fails once is dropped. */
  #throttlingSources: ReadThrottling[] = []
  #throttled: Throttled | null = null

  /** `root` is the folder that contains /proc, /sys and /usr; '' is this machine. */
  constructor(host: Pick<Host, 'clock' | 'log'>, root: string) {
    this.#host = host
    this.#files = new SystemFiles(root)
    this.#sampler = new Sampler(new ProcFiles(root))
    this.#temperature = new CpuTemperature(this.#files)
  }

  /** Measures until `stop`. Resolves when it is known whether there is a firmware to query. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    void this.#temperature.refresh()
    this.#measure()
    this.#repeat(1, () => this.#sample())
    this.#throttlingSources = await throttlingSources(this.#files)
    if (this.#throttlingSources.length === 0 || this.#ending.signal.aborted) return
    this.#repeat(THROTTLING_PERIOD, () => void this.#updateThrottling())
    void this.#updateThrottling()
  }

  #repeat(seconds: number, task: () => void): void {
    this.#timers.push(this.#host.clock.every(seconds, task))
  }

  stop(): void {
    this.#ending.abort()
    for (const timer of this.#timers) timer.stop()
  }

  /** Notifies `listener` from now on. */
  follow(listener: LoadListener): Registration {
    this.#listeners.add(listener)
    return { remove: () => void this.#listeners.delete(listener) }
  }

  #sample(): void {
    void this.#temperature.refresh()
    const sample = this.#measure()
    for (const listener of this.#listeners) listener.sampled(sample)
  }

  #measure(): Sample {
    const { clock } = this.#host
    this.#latest = this.#sampler.sample(clock.now(), clock.monotonic())
    this.#history.push(this.#latest.moonraker_stats)
    if (this.#history.length > KEPT) this.#history.shift()
    return this.#latest
  }

  /** The newest sample; measures the first one. */
  get latest(): Sample {
    return this.#latest ?? this.#measure()
  }

  /** The load of this process in the newest samples, oldest first. */
  get history(): Sample['moonraker_stats'][] {
    return [...this.#history]
  }

  /** The processor's temperature when it was last read, °C; null if the machine has no sensor for it. */
  get temperature(): number | null {
    return this.#temperature.latest
  }

  /** Null while it is not known. */
  get throttled(): Throttled | null {
    return this.#throttled
  }

  /** Seconds since the machine started. */
  get uptime(): number {
    return this.#sampler.uptime()
  }

  async #updateThrottling(): Promise<void> {
    const { signal } = this.#ending
    const [read] = this.#throttlingSources
    if (read === undefined) return
    try {
      const bits = await read(signal)
      if (!signal.aborted) this.#setThrottled(throttledState(bits))
    } catch (error) {
      if (signal.aborted || read !== this.#throttlingSources[0]) return
      this.#host.log.info(`cannot read whether the processor is throttled: ${messageOf(error)}`)
      this.#throttlingSources.shift()
      this.#throttled = null
      await this.#updateThrottling()
    }
  }

  /** A first state counts as a change if the processor is throttled: a client may have read the state before. */
  #setThrottled(state: Throttled): void {
    const before = this.#throttled?.bits ?? 0
    this.#throttled = state
    if (state.bits === before) return
    for (const listener of this.#listeners) listener.throttled(state)
  }
}

/** The host's monitor. */
export const loadMonitor: HostPart<LoadMonitor> = {
  name: 'the load monitor',
  create: ({ clock, log }) => new LoadMonitor({ clock, log: log.child('proc_stats') }, ''),
  stop: monitor => monitor.stop(),
}
