// The load of machine and server for the clients of one printer, measured while there are any. Clients use the
// notification as a heartbeat, so it is sent once a second in every state of the printer.

import type { ResultOf } from '../../api/endpoint.ts'
import type { machine } from '../../api/machine.ts'
import type { Registration, Scope } from '../../core/scope.ts'
import type { Connections } from '../../rpc/connections.ts'
import type { Presence } from '../../rpc/presence.ts'
import type { LoadListener, LoadMonitor, Throttled } from './load-monitor.ts'
import type { Sample } from './sampler.ts'

export class ProcStats {
  readonly #connections: Connections
  readonly #presence: Presence
  readonly #monitor: LoadMonitor
  #following: Registration | null = null
  readonly #listener: LoadListener = {
    sampled: sample => this.#notify(sample),
    throttled: state => this.#notifyThrottled(state),
  }

  constructor(connections: Connections, presence: Presence, monitor: LoadMonitor) {
    this.#connections = connections
    this.#presence = presence
    this.#monitor = monitor
  }

  /** Notifies clients until `scope` is closed. Resolves when the monitor has started. */
  async start(scope: Scope): Promise<void> {
    scope.use(this.#presence.follow(isPresent => this.#setFollowing(isPresent)))
    scope.defer(() => this.#setFollowing(false))
    await this.#monitor.start()
  }

  #setFollowing(isFollowing: boolean): void {
    this.#following?.remove()
    this.#following = isFollowing ? this.#monitor.follow(this.#listener) : null
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
    // A program that polls over HTTP gets samples of each second, too.
    this.#presence.note()
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
