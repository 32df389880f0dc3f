// Measures the load of the machine and of this process once a second, for all printers of the host; only while one of
// them has clients.
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

/** How many samples of this process are kept (API document, "Get Moonraker Process Stats"): one of each second. */
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
  #timers: Timer[] = []
  readonly #ending = new AbortController()
  #searching: Promise<void> | null = null
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

  /** Resolves when it is known whether there is a firmware to query. */
  start(): Promise<void> {
    this.#searching ??= this.#findThrottlingSources()
    return this.#searching
  }

  async #findThrottlingSources(): Promise<void> {
    this.#throttlingSources = await throttlingSources(this.#files)
    if (this.#listeners.size > 0) this.#watchThrottling()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#pause()
  }

  /** Measures, and notifies `listener`, from now on. */
  follow(listener: LoadListener): Registration {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#resume()
    return {
      remove: () => {
        this.#listeners.delete(listener)
        if (this.#listeners.size === 0) void this.#pause()
      },
    }
  }

  #resume(): void {
    void this.#temperature.refresh()
    this.#measure()
    this.#timers.push(this.#host.clock.every(1, () => this.#sample()))
    this.#watchThrottling()
  }

  #watchThrottling(): void {
    if (this.#throttlingSources.length === 0 || this.#ending.signal.aborted) return
    const update = () => void this.#updateThrottling()
    update()
    this.#timers.push(this.#host.clock.every(THROTTLING_PERIOD, update))
  }

  async #pause(): Promise<void> {
    for (const timer of this.#timers) timer.stop()
    this.#timers = []
    this.#sampler.close()
    await this.#temperature.close()
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

  /** The newest sample; without a listener it is a new one, with rates since the one before. */
  get latest(): Sample {
    return this.#latest === null || this.#timers.length === 0 ? this.#measure() : this.#latest
  }

  /** The load of this process in the samples of the last 30 s, oldest first. */
  get history(): Sample['moonraker_stats'][] {
    const oldest = this.#host.clock.now() - KEPT
    return this.#history.filter(({ time }) => time > oldest)
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
