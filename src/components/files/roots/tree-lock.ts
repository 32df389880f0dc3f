// Orders what is done to one tree of files: operations that touch the same places run one after the other,
// all others beside each other.
import { ApiError } from '../../../core/errors.ts'

/** Operations that may wait; more than that are refused. */
const MAX_WAITING = 1000

/** The absolute paths that an operation touches. A path stands for itself and for everything below it. */
export interface Claim {
  /** What the operation changes, makes or removes. */
  readonly write?: readonly string[]
  /** What must not change while the operation runs. */
  readonly read?: readonly string[]
}

interface Ticket {
  readonly write: readonly string[]
  readonly read: readonly string[]
  readonly start: () => void
  running: boolean
}

/**
 * All paths of an operation are taken at once, in the order of arrival: an operation waits for every earlier one
 * that it conflicts with, and for no later one. So there is no deadlock and nobody starves.
 */
export class TreeLock {
  readonly #tickets = new Set<Ticket>()
  #waiting = 0

  /**
   * Runs `operation` once nothing that conflicts with `claim` runs; gives its result.
   * Not to be called from inside an operation for a place that the operation itself has claimed.
   * Throws ApiError 503 where too many operations wait already.
   */
  async run<T>(claim: Claim, operation: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ticket = { write: claim.write ?? [], read: claim.read ?? [], start: resolve, running: false }
    if (this.#mayRun(ticket)) ticket.running = true
    else this.#wait()
    this.#tickets.add(ticket)
    try {
      if (!ticket.running) await promise
      return await operation()
    } finally {
      this.#tickets.delete(ticket)
      this.#startNext()
    }
  }

  /** Whether an operation that runs at present changes `path`, something above it or something below it. */
  isWritten(path: string): boolean {
    for (const { running, write } of this.#tickets) if (running && overlap(write, [path])) return true
    return false
  }

  #wait(): void {
    if (this.#waiting >= MAX_WAITING) {
      throw new ApiError(503, 'Too many file operations wait for each other, try again later')
    }
    this.#waiting += 1
  }

  #startNext(): void {
    for (const ticket of this.#tickets) {
      if (ticket.running || !this.#mayRun(ticket)) continue
      ticket.running = true
      this.#waiting -= 1
      ticket.start()
    }
  }

  /** Whether no ticket before this one is in its way. */
  #mayRun(ticket: Ticket): boolean {
    for (const earlier of this.#tickets) {
      if (earlier === ticket) return true
      if (conflict(earlier, ticket)) return false
    }
    return true
  }
}

function conflict(a: Ticket, b: Ticket): boolean {
  return overlap(a.write, b.write) || overlap(a.write, b.read) || overlap(a.read, b.write)
}

function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some(path => others.some(other => isWithin(path, other) || isWithin(other, path)))
}

/** Whether `path` is `folder` or something below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
