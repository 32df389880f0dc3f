// Serialises operations on the same paths; operations on different paths run concurrently.
import { ApiError } from '../../../core/errors.ts'

/** Operations that may wait; the lock refuses more. */
const MAX_WAITING = 1000

/** The absolute paths that an operation locks. A path includes everything below it. */
export interface LockedPaths {
  /** What the operation changes, makes or removes. */
  readonly write?: readonly string[]
  /** What must not change while the operation runs. */
  readonly read?: readonly string[]
}

interface LockRequest {
  readonly write: readonly string[]
  readonly read: readonly string[]
  readonly start: () => void
  running: boolean
}

/**
 * An operation locks all its paths at once, in the order of arrival: it waits for every earlier operation that it
 * conflicts with, and for no later one. This excludes deadlock and starvation.
 */
export class PathLock {
  readonly #requests = new Set<LockRequest>()
  #waiting = 0

  /**
   * Runs `operation` when no conflicting operation runs; returns its result.
   * An operation must not call this for a path that it has locked itself.
   * Throws ApiError 503 when too many operations wait.
   */
  async run<T>(paths: LockedPaths, operation: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const request = { write: paths.write ?? [], read: paths.read ?? [], start: resolve, running: false }
    if (this.#mayRun(request)) request.running = true
    else this.#countWaiting()
    this.#requests.add(request)
    try {
      if (!request.running) await promise
      return await operation()
    } finally {
      this.#requests.delete(request)
      this.#startNext()
    }
  }

  /** Whether a running operation changes `path`, something above it or something below it. */
  isWritten(path: string): boolean {
    for (const { running, write } of this.#requests) if (running && overlap(write, [path])) return true
    return false
  }

  #countWaiting(): void {
    if (this.#waiting >= MAX_WAITING) {
      throw new ApiError(503, 'Too many file operations wait for each other, try again later')
    }
    this.#waiting += 1
  }

  #startNext(): void {
    for (const request of this.#requests) {
      if (request.running || !this.#mayRun(request)) continue
      request.running = true
      this.#waiting -= 1
      request.start()
    }
  }

  /** Whether no earlier request conflicts with this one. */
  #mayRun(request: LockRequest): boolean {
    for (const earlier of this.#requests) {
      if (earlier === request) return true
      if (conflict(earlier, request)) return false
    }
    return true
  }
}

function conflict(a: LockRequest, b: LockRequest): boolean {
  return overlap(a.write, b.write) || overlap(a.write, b.read) || overlap(a.read, b.write)
}

function overlap(some: readonly string[], others: readonly string[]): boolean {
  return some.some(path => others.some(other => isWithin(path, other) || isWithin(other, path)))
}

/** Whether `path` is `folder` or something below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** The path of `path` below `folder`, which contains it; '' for the folder itself. */
export function pathBelow(folder: string, path: string): string {
  return path.slice(folder.length).replace(/^\/+/, '')
}
