// Bounds how many tasks run at the same time, where each needs memory, a disk, a thread or another machine.
import { ApiError } from './errors.ts'

/** How many tasks run and wait. */
export interface ConcurrencyOptions {
  /** The tasks in the plural, for the error: `uploads`. */
  readonly what: string
  /** Tasks that run at the same time. */
  readonly maxRunning: number
  /** Tasks that wait for a free place; 0 rejects every task that cannot run at once. */
  readonly maxQueued: number
}

/** Runs a few tasks at the same time, queues the next ones in their order, and rejects the rest. */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyOptions
  readonly #queue = new Set<() => void>()
  #running = 0

  constructor(options: ConcurrencyOptions) {
    this.#options = options
  }

  /**
   * Runs `task` when a place is free; resolves and rejects with it. Rejects with ApiError 503 when the queue is full,
   * and with the reason of `signal` when that is aborted before the task starts.
   */
  async run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.isFull) await this.#takeOver(signal)
    else this.#running += 1
    try {
      return await task()
    } finally {
      this.#release()
    }
  }

  /** Whether the next task has to wait. */
  get isFull(): boolean {
    return this.#running >= this.#options.maxRunning
  }

  /** The number of tasks that wait for a place. */
  get queued(): number {
    return this.#queue.size
  }

  /** Waits for the place of a task that ends. */
  #takeOver(signal: AbortSignal | undefined): Promise<void> {
    const { what, maxQueued } = this.#options
    if (this.#queue.size >= maxQueued) throw new ApiError(503, `Too many ${what} at once, try again later`)
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#queue.delete(start)
        reject(signal?.reason)
      }
      this.#queue.add(start)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  /** The next task gets the place directly, so that no newer task starts before it. */
  #release(): void {
    const { value: next } = this.#queue.values().next()
    if (next === undefined) {
      this.#running -= 1
      return
    }
    this.#queue.delete(next)
    next()
  }
}

/**
 * Runs `task` for each item, at most `maxRunning` at the same time; starts them in the order of the items. After an
 * error it starts no further task, and rejects with the first error when the running tasks have ended.
 */
export async function forEachConcurrently<T>(
  items: Iterable<T>,
  maxRunning: number,
  task: (item: T) => void | Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const errors: unknown[] = []
  const work = async (): Promise<void> => {
    try {
      while (errors.length === 0) {
        const next = rest.next()
        if (next.done === true) return
        await task(next.value)
      }
    } catch (error) {
      errors.push(error)
    }
  }
  await Promise.all(Array.from({ length: maxRunning }, work))
  if (errors.length > 0) throw errors[0]
}
