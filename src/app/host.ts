// The host of one or more servers in this process.
import type { Host, HostPart } from '../component/host.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { CoalescingClock } from '../core/coalescing-clock.ts'
import { HttpClient } from '../core/http-client.ts'
import type { Log } from '../core/log.ts'
import type { Scope } from '../core/scope.ts'
import { moonrakerVersion } from '../core/version.ts'

/** A part in use. */
interface Shared {
  readonly part: unknown
  users: number
}

export class ServerHost implements Host {
  readonly clock: Clock
  readonly log: Log
  readonly http = new HttpClient()
  readonly version = moonrakerVersion()
  readonly #shared = new Map<HostPart<unknown>, Shared>()
  /** Parts that are stopping. */
  readonly #stopping = new Set<Promise<void>>()
  #stopped = false

  constructor({
    log,
    clock = new CoalescingClock(systemClock),
  }: { readonly log: Log; readonly clock?: Clock }) {
    this.log = log
    this.clock = clock
  }

  use<T>(kind: HostPart<T>, scope: Scope): T {
    if (this.#stopped) throw new Error(`the host has stopped: ${kind.name} cannot be used`)
    const shared = this.#shared.get(kind) ?? { part: kind.create(this), users: 0 }
    this.#shared.set(kind, shared)
    shared.users += 1
    scope.defer(() => this.#release(kind, shared))
    return shared.part as T
  }

  #release(kind: HostPart<unknown>, shared: Shared): void {
    shared.users -= 1
    if (shared.users === 0 && this.#shared.get(kind) === shared) this.#stopPart(kind, shared)
  }

  #stopPart(kind: HostPart<unknown>, { part }: Shared): void {
    this.#shared.delete(kind)
    const stop = async () => kind.stop?.(part)
    const stopping = stop().catch(error => this.log.error(`${kind.name} did not stop cleanly`, error))
    this.#stopping.add(stopping)
    void stopping.then(() => this.#stopping.delete(stopping))
  }

  /** Stops the parts that are still in use, and waits for all that are stopping. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const [kind, shared] of this.#shared) this.#stopPart(kind, shared)
    await Promise.all(this.#stopping)
    this.http.close()
  }
}
