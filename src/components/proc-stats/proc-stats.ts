// The load of machine and server for the clients of one printer. Clients take the notification for a heartbeat, so it
// goes out once a second in every state of the printer.

import type { ResultOf } from '../../api/endpoint.ts'
import type { machine } from '../../api/machine.ts'
import type { Scope } from '../../core/scope.ts'
import type { Connections } from '../../rpc/connections.ts'
import type { LoadMonitor, Throttled } from './load-monitor.ts'
import type { Sample } from './sampler.ts'

export class ProcStats {
  readonly #connections: Connections
  readonly #monitor: LoadMonitor

  constructor(connections: Connections, monitor: LoadMonitor) {
    this.#connections = connections
    this.#monitor = monitor
  }

  /** Notifies clients until `scope` is closed. Resolves when the monitor has started. */
  async start(scope: Scope): Promise<void> {
    scope.use(
      this.#monitor.follow({
        sampled: sample => this.#notify(sample),
        throttled: state => this.#notifyThrottled(state),
      }),
    )
    await this.#monitor.start()
  }

  #notify(sample: Sample): void {
    this.#connections.notify('notify_proc_stat_update', { ...sample, ...this.#present() })
  }

  #notifyThrottled(state: Throttled): void {
    this.#connections.notify('notify_cpu_throttled', state)
  }

  #present() {
    return {
      cpu_temp: this.#monitor.temperature,
      websocket_connections: this.#connections.websockets,
    }
  }

  /** The reply of machine.proc_stats. */
  reply(): ResultOf<(typeof machine)['methods']['machine.proc_stats']> {
    const { latest, history, throttled, uptime } = this.#monitor
    return {
      ...latest,
      ...this.#present(),
      moonraker_stats: history,
      throttled_state: throttled,
      system_uptime: uptime,
    }
  }
}
