// Files that wait to be read: one is read at a time, however many arrive, and what is gone is not read at all.

interface Waiting {
  readonly done: PromiseWithResolvers<void>
  readonly abort: AbortController
}

/** Reads one file. Rejections are reported to who waits for it. */
export type ReadFile = (path: string, signal: AbortSignal) => Promise<void>

export class ScanQueue {
  readonly #read: ReadFile
  readonly #waiting = new Map<string, Waiting>()
  #running = false
  #stopped = false

  constructor(read: ReadFile) {
    this.#read = read
  }

  /** Resolves when the file has been read; a file that waits already is waited for. */
  add(path: string): Promise<void> {
    const known = this.#waiting.get(path)
    if (known !== undefined) return known.done.promise
    const waiting = { done: Promise.withResolvers<void>(), abort: new AbortController() }
    // Who only enqueues a file does not hear of its troubles.
    waiting.done.promise.catch(() => {})
    this.#waiting.set(path, waiting)
    if (!this.#running) void this.#run()
    return waiting.done.promise
  }

  /** The file is waiting or being read. */
  has(path: string): boolean {
    return this.#waiting.has(path)
  }

  /** Does not read the file, or stops reading it. */
  cancel(path: string): void {
    this.#waiting.get(path)?.abort.abort()
  }

  /** Ends all reading. */
  stop(): void {
    this.#stopped = true
    for (const { abort } of this.#waiting.values()) abort.abort()
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let next = this.#first(); next !== undefined; next = this.#first()) {
      const [path, { done, abort }] = next
      // Requests that arrive meanwhile come first.
      await new Promise(resolve => {
        setImmediate(resolve)
      })
      try {
        abort.signal.throwIfAborted()
        await this.#read(path, abort.signal)
        done.resolve()
      } catch (error) {
        done.reject(error)
      } finally {
        this.#waiting.delete(path)
      }
    }
    this.#running = false
  }

  #first(): [string, Waiting] | undefined {
    if (this.#stopped) return undefined
    return this.#waiting.entries().next().value
  }
}
