// The load of machine and server, measured and told once a second. Clients take the notification for a sign of life,
// so it goes out whatever the printer does.

import type { ResultOf } from '../../api/endpoint.ts'
import type { machine, ThrottledState } from '../../api/machine.ts'
import type { Core } from '../../component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Infer } from '../../schema/index.ts'
import { type Sample, Sampler } from './sampler.ts'
import type { SmallFiles } from './small-files.ts'
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
  readonly #files: SmallFiles
  readonly #sampler: Sampler
  readonly #history: Sample['moonraker_stats'][] = []
  #latest: Sample | null = null
  /** The first is asked; one that fails is asked never again. */
  #throttlingSources: AskThrottling[] = []
  #throttled: Throttled | null = null

  constructor(core: Needs, files: SmallFiles) {
    this.#core = core
    this.#files = files
    this.#sampler = new Sampler(files)
  }

  /** Measures and tells from now on, until `scope` is closed. */
  start(scope: Scope): void {
    const repeat = (seconds: number, task: () => void) => {
      const timer = this.#core.clock.every(seconds, task)
      scope.defer(() => timer.stop())
    }
    this.#measure()
    repeat(1, () => this.#tell())
    this.#throttlingSources = throttlingSources(this.#files)
    if (this.#throttlingSources.length === 0) return
    const ending = new AbortController()
    scope.defer(() => ending.abort())
    repeat(THROTTLING_PERIOD, () => void this.#updateThrottling(ending.signal))
    void this.#updateThrottling(ending.signal)
  }

  #measure(): Sample {
    const { clock } = this.#core
    this.#latest = this.#sampler.sample(clock.now(), clock.monotonic())
    this.#history.push(this.#latest.moonraker_stats)
    if (this.#history.length > KEPT) this.#history.shift()
    return this.#latest
  }

  #tell(): void {
    const { connections } = this.#core
    const websocket_connections = connections.websockets
    connections.notify('notify_proc_stat_update', { ...this.#measure(), websocket_connections })
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
  reply(): ResultOf<(typeof machine)['machine.proc_stats']> {
    const latest = this.#latest ?? this.#measure()
    return {
      ...latest,
      moonraker_stats: [...this.#history],
      throttled_state: this.#throttled,
      system_uptime: this.#sampler.uptime(),
      websocket_connections: this.#core.connections.websockets,
    }
  }
}
