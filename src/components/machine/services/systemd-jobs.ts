// How systemd's jobs end: starting and stopping a service is a job, and a signal reports its end.
import type { Clock, Timer } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'

/** Seconds that a service has to start or stop before its caller gets an error. */
const TIMEOUT = 60

/** A job that has not ended yet. */
interface PendingJob extends PromiseWithResolvers<string> {
  readonly timer: Timer
}

/** The jobs of one connection to systemd. */
export class SystemdJobs {
  readonly #clock: Clock
  /** By the job's path. Callers that request what systemd does already get the same job. */
  readonly #waiting = new Map<string, PendingJob>()
  /** Results of jobs that ended before their paths were known. */
  readonly #early = new Map<string, string>()
  /** Calls whose job is not known yet. */
  #calls = 0
  #ended = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Calls `start`, which returns a job's path, and waits for the job's end. Resolves with its result in systemd's words:
   * `done`, or `failed`, `timeout`, `canceled`, …. Rejects with ApiError 503 if it takes long or D-Bus breaks.
   */
  async run(start: () => Promise<unknown>): Promise<string> {
    let end: string | Promise<string>
    this.#calls += 1
    try {
      const path = String(await start())
      end = this.#early.get(path) ?? this.#end(path)
    } finally {
      this.#calls -= 1
      if (this.#calls === 0) this.#early.clear()
    }
    return end
  }

  #end(path: string): Promise<string> {
    if (this.#ended) throw broken()
    const known = this.#waiting.get(path)
    if (known !== undefined) return known.promise
    const resolvers = Promise.withResolvers<string>()
    const timer = this.#clock.after(TIMEOUT, () => {
      this.#waiting.delete(path)
      resolvers.reject(new ApiError(503, `systemd has not finished after ${TIMEOUT} seconds, and goes on`))
    })
    this.#waiting.set(path, { ...resolvers, timer })
    return resolvers.promise
  }

  /** The signal JobRemoved: id, path, unit, result. */
  removed([, path, , result]: readonly unknown[]): void {
    const waiting = this.#waiting.get(String(path))
    this.#waiting.delete(String(path))
    waiting?.timer.stop()
    waiting?.resolve(String(result))
    if (waiting === undefined && this.#calls > 0) this.#early.set(String(path), String(result))
  }

  /** No signal reports an end any more. */
  end(): void {
    this.#ended = true
    for (const { reject, timer } of this.#waiting.values()) {
      timer.stop()
      reject(broken())
    }
    this.#waiting.clear()
  }
}

function broken(): ApiError {
  return new ApiError(503, "The connection to the system's D-Bus ended before systemd had finished")
}
