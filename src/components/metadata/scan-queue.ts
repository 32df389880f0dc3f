// The queue of files to read: one is read at a time, and those that a client waits for come first.

/** How a file is added. */
export interface AddOptions {
  /** A client waits for the result: the file is read before those that are not urgent. */
  readonly urgent?: boolean
  /** Read the file even if its metadata is known. */
  readonly force?: boolean
}

/** A file to read. */
export interface QueuedRead {
  readonly path: string
  readonly force: boolean
  readonly signal: AbortSignal
}

interface Entry {
  force: boolean
  readonly done: PromiseWithResolvers<void>
  readonly abort: AbortController
}

export class ScanQueue {
  readonly #read: (file: QueuedRead) => Promise<void>
  readonly #queued = new Map<string, Entry>()
  readonly #urgent = new Set<string>()
  #running: { readonly path: string; readonly entry: Entry } | null = null
  #stopped = false

  /** `read` reads one file; the callers of `add` receive its rejection. */
  constructor(read: (file: QueuedRead) => Promise<void>) {
    this.#read = read
  }

  /** Resolves when the file has been read, from its content at this moment or later. */
  add(path: string, { urgent = false, force = false }: AddOptions = {}): Promise<void> {
    const entry = this.#queued.get(path) ?? this.#enqueue(path)
    entry.force ||= force
    if (urgent) this.#urgent.add(path)
    if (this.#running === null) void this.#run()
    return entry.done.promise
  }

  #enqueue(path: string): Entry {
    const entry = { force: false, done: Promise.withResolvers<void>(), abort: new AbortController() }
    // Most callers do not wait for the result.
    entry.done.promise.catch(() => {})
    this.#queued.set(path, entry)
    return entry
  }

  /** Whether the file is queued or being read. */
  has(path: string): boolean {
    return this.#queued.has(path) || this.#running?.path === path
  }

  /** Removes the file from the queue, or stops reading it. */
  cancel(path: string): void {
    this.#queued.get(path)?.abort.abort()
    if (this.#running?.path === path) this.#running.entry.abort.abort()
  }

  /** Ends all reading. */
  stop(): void {
    this.#stopped = true
    for (const path of [...this.#queued.keys(), this.#running?.path])
      if (path !== undefined) this.cancel(path)
  }

  async #run(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#running = next
      const { path, entry } = next
      const { signal } = entry.abort
      try {
        // Requests that have arrived are served first.
        await new Promise(resolve => {
          setImmediate(resolve)
        })
        signal.throwIfAborted()
        await this.#read({ path, force: entry.force, signal })
        entry.done.resolve()
      } catch (error) {
        entry.done.reject(error)
      }
      this.#running = null
    }
  }

  #next(): { readonly path: string; readonly entry: Entry } | undefined {
    if (this.#stopped) return undefined
    const [path] = this.#urgent.size > 0 ? this.#urgent : this.#queued.keys()
    if (path === undefined) return undefined
    const entry = this.#queued.get(path) as Entry
    this.#queued.delete(path)
    this.#urgent.delete(path)
    return { path, entry }
  }
}
