// The host: what all printers of one process share. What belongs to one printer is in `Core`.
import type { Clock } from '../core/clock.ts'
import type { HttpClient } from '../core/http-client.ts'
import type { Log } from '../core/log.ts'
import type { Scope } from '../core/scope.ts'

/** The process, and the machine that it runs on. */
export interface Host {
  readonly clock: Clock
  /** For entries that concern no single printer. */
  readonly log: Log
  readonly http: HttpClient
  /** The program's version in git-describe form, as clients compare it. */
  readonly version: string
  /**
   * Gives a shared part. The first user creates it. It stops when the scopes of all its users are closed, at the latest
   * when the host stops. Throws Error after that.
   */
  use<T>(part: HostPart<T>, scope: Scope): T
}

/** A part of the host that is created when a printer first uses it: a sampler, a connection. */
export interface HostPart<T> {
  /** For the log. */
  readonly name: string
  /** Does no input or output. */
  create(host: Host): T
  /** Ends what the part does; left out if there is nothing to end. */
  stop?(part: T): Promise<void> | void
}
