// The load of machine and server, measured and told once a second. Clients take the notification for a sign of life,
// so it goes out whatever the printer does.

import type { ResultOf } from '../../api/endpoint.ts'
import type { machine, ThrottledState } from '../../api/machine.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { SystemFiles } from '../../core/system-files.ts'
import type { Infer } from '../../schema/index.ts'
import { CpuTemperature } from './cpu-temperature.ts'
import { ProcFiles } from './proc-files.ts'
import { type Sample, Sampler } from './sampler.ts'
import { type AskThrottling, throttledState, throttlingSources } from './throttling.ts'

/** How many samples of this process are kept (API document, "Get Moonraker Process Stats"). */
const KEPT = 30
/** Seconds between questions to the firmware, each of which may start a program. */
const THROTTLING_PERIOD = 10

type Throttled = Infer<typeof ThrottledState>

/** What it needs of the core. */
type Needs = Pick<Core, 'clock' | 'connections' | 'log'>

export class ProcStats {
  readonly #core: Needs
  readonly #files: SystemFiles
  readonly #sampler: Sampler
  readonly #temperature: CpuTemperature
  readonly #history: Sample['moonraker_stats'][] = []
  #latest: Sample | null = null
  /** The first is asked; one that fails is asked never again. */
  #throttlingSources: AskThrottling[] = []
  #throttled: Throttled | null = null

  /** `root` is the folder that holds /proc, /sys and /usr; '' is the machine itself. */
  constructor(core: Needs, root: string) {
    this.#core = core
    this.#files = new SystemFiles(root)
    this.#sampler = new Sampler(new ProcFiles(root))
    this.#temperature = new CpuTemperature(this.#files)
  }

  /** Measures and tells from now on, until `scope` is closed. Resolves when it knows whether there is a firmware to ask. */
  async start(scope: Scope): Promise<void> {
    const ending = new AbortController()
    scope.defer(() => ending.abort())
    void this.#temperature.refresh()
    this.#measure()
    this.#repeat(1, ending.signal, () => this.#tell())
    this.#throttlingSources = await throttlingSources(this.#files)
    if (this.#throttlingSources.length === 0 || ending.signal.aborted) return
    this.#repeat(THROTTLING_PERIOD, ending.signal, () => void this.#updateThrottling(ending.signal))
    void this.#updateThrottling(ending.signal)
  }

  #repeat(seconds: number, ending: AbortSignal, task: () => void): void {
    const timer = this.#core.clock.every(seconds, task)
    ending.addEventListener('abort', () => timer.stop())
  }

  #measure(): Sample {
    const { clock } = this.#core
    this.#latest = this.#sampler.sample(clock.now(), clock.monotonic())
    this.#history.push(this.#latest.moonraker_stats)
    if (this.#history.length > KEPT) this.#history.shift()
    return this.#latest
  }

  #tell(): void {
    void this.#temperature.refresh()
    const { connections } = this.#core
    connections.notify('notify_proc_stat_update', { ...this.#measure(), ...this.#present() })
  }

  #present() {
    return {
      cpu_temp: this.#temperature.latest,
      websocket_connections: this.#core.connections.websockets,
    }
  }

  async #updateThrottling(ending: AbortSignal): Promise<void> {
    const [ask] = this.#throttlingSources
    if (ask === undefined) return
    try {
      const bits = await ask(ending)
      if (!ending.aborted) this.#setThrottled(throttledState(bits))
    } catch (error) {
      if (ending.aborted || ask !== this.#throttlingSources[0]) return
      this.#core.log.info(`whether the processor is throttled cannot be told: ${messageOf(error)}`)
      this.#throttlingSources.shift()
      this.#throttled = null
      await this.#updateThrottling(ending)
    }
  }

  /** Clients that asked before the firmware first answered hear of it too, where there is something to tell. */
  #setThrottled(state: Throttled): void {
    const before = this.#throttled?.bits ?? 0
    this.#throttled = state
    if (state.bits !== before) this.#core.connections.notify('notify_cpu_throttled', state)
  }

  /** The reply of machine.proc_stats. */
  reply(): ResultOf<(typeof machine)['methods']['machine.proc_stats']> {
    const latest = this.#latest ?? this.#measure()
    return {
      ...latest,
      ...this.#present(),
      moonraker_stats: [...this.#history],
      throttled_state: this.#throttled,
      system_uptime: this.#sampler.uptime(),
    }
  }
}
