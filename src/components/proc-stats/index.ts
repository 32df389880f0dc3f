// [proc_stats]: the load of machine and server, measured and told once a second. Clients take the notification for
// a sign of life, so it goes out whatever the printer does.
import { machine as chapter, type ThrottledState } from '../../api/machine.ts'
import { type Component, type Core, component } from '../../component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Infer } from '../../schema/index.ts'
import { type Sample, Sampler } from './sampler.ts'
import { SmallFiles } from './small-files.ts'
import { type AskThrottling, findThrottling, throttledState } from './throttling.ts'

/** How many samples of this process are kept (API document, "Get Moonraker Process Stats"). */
const KEPT = 30
/** Seconds between questions to the firmware, each of which may start a program. */
const THROTTLING_PERIOD = 10

class ProcStats {
  readonly #core: Core
  readonly #files: SmallFiles
  readonly #sampler: Sampler
  readonly #history: Sample['moonraker_stats'][] = []
  #latest: Sample | null = null
  #askThrottling: AskThrottling | null = null
  #throttled: Infer<typeof ThrottledState> | null = null

  constructor(core: Core, files: SmallFiles) {
    this.#core = core
    this.#files = files
    this.#sampler = new Sampler(files)
  }

  start(scope: Scope): void {
    const repeat = (seconds: number, task: () => void) => {
      const timer = this.#core.clock.every(seconds, task)
      scope.defer(() => timer.stop())
    }
    this.#measure()
    repeat(1, () => this.#tell())
    this.#askThrottling = findThrottling(this.#files)
    if (this.#askThrottling === null) return
    repeat(THROTTLING_PERIOD, () => void this.#updateThrottling())
    void this.#updateThrottling()
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

  /** A firmware that does not answer is not asked again. */
  async #updateThrottling(): Promise<void> {
    if (this.#askThrottling === null) return
    const before = this.#throttled
    try {
      this.#throttled = throttledState(await this.#askThrottling())
    } catch (error) {
      this.#core.log.info(`whether the processor is throttled cannot be told: ${messageOf(error)}`)
      this.#askThrottling = null
      this.#throttled = null
    }
    if (before === null || this.#throttled === null || before.bits === this.#throttled.bits) return
    this.#core.connections.notify('notify_cpu_throttled', this.#throttled)
  }

  /** The reply of machine.proc_stats. */
  reply() {
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

export default component({
  section: 'proc_stats',
  presence: 'always',
  options: {},
  create(core, _section, scope): Component {
    const stats = new ProcStats(core, new SmallFiles(''))
    scope.use(core.registry.serve(chapter, { 'machine.proc_stats': () => stats.reply() }))
    return { start: () => stats.start(scope) }
  },
})
