// The host's connection to the system bus: opened for its first user, closed after its last.
import type { HostPart } from '../../../component/host.ts'
import type { Scope } from '../../../core/scope.ts'
import { SYSTEM_BUS, SystemBus } from './system-bus.ts'

/** Called with the reason when the connection ends. */
type Lost = (reason: string) => void

/** An open connection, or one that is opening. */
interface Line {
  readonly bus: Promise<SystemBus>
  readonly ending: AbortController
  readonly users: Set<Lost>
}

export class HostBus {
  #line: Line | null = null

  /**
   * Gives the connection until `scope` is closed or `signal` is aborted. If the connection ends before, `lost` is called
   * once. Rejects with Error if there is no system bus; close the scope then, too.
   */
  async connect(lost: Lost, scope: Scope, signal: AbortSignal): Promise<SystemBus> {
    signal.throwIfAborted()
    this.#line ??= this.#open()
    const line = this.#line
    line.users.add(lost)
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = () => {
      this.#release(line, lost)
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort)
    scope.defer(() => {
      signal.removeEventListener('abort', onAbort)
      this.#release(line, lost)
    })
    return Promise.race([line.bus, aborted])
  }

  #open(): Line {
    const address = process.env.DBUS_SYSTEM_BUS_ADDRESS || SYSTEM_BUS
    const ending = new AbortController()
    const bus = SystemBus.connect(address, reason => this.#lost(line, reason), ending.signal)
    const line: Line = { bus, ending, users: new Set() }
    bus.catch(() => this.#forget(line))
    return line
  }

  #lost(line: Line, reason: string): void {
    this.#forget(line)
    const users = [...line.users]
    line.users.clear()
    for (const lost of users) lost(reason)
  }

  #release(line: Line, lost: Lost): void {
    if (line.users.delete(lost) && line.users.size === 0) this.#close(line)
  }

  #close(line: Line): void {
    this.#forget(line)
    line.ending.abort(new Error('nothing uses the connection'))
  }

  #forget(line: Line): void {
    if (this.#line === line) this.#line = null
  }

  /** Closes the connection; nothing calls `lost`. */
  stop(): void {
    if (this.#line === null) return
    this.#line.users.clear()
    this.#close(this.#line)
  }
}

/** The host's connection to the system bus. */
export const hostBus: HostPart<HostBus> = {
  name: 'the system bus',
  create: () => new HostBus(),
  stop: bus => bus.stop(),
}
