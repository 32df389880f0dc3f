// A staging file: written in bounded memory, and durable before it gets its final name.
import type { FileHandle } from 'node:fs/promises'
import type { DiskCalls } from './disk-calls.ts'
import type { StagingFolders } from './staging-folders.ts'

/** Bytes of one write. */
const BATCH = 1024 * 1024
/** Buffers of one write, however short they are. */
const MAX_BUFFERS = 256
/** Bytes in memory from which on the source has to pause. */
const MAX_WAITING = 4 * 1024 * 1024
/** Bytes between syncs: keeps the last fsync short and the page cache small. */
const SYNC_EVERY = 16 * 1024 * 1024
/** Bytes from which on a buffer is freed after the write: smaller ones may be constants of a library. */
const LARGE = 16 * 1024

export class StagedFile {
  readonly path: string
  readonly #folders: StagingFolders
  readonly #calls: DiskCalls
  readonly #opened: Promise<FileHandle>
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #size = 0
  #synced = 0
  #writing: Promise<void> | null = null
  #syncing: Promise<void> | null = null
  #failure: unknown = null
  #discarded = false

  /**
   * Creates a file in the staging folder of `parent`, which must exist. `room` and `finish` report errors of the file;
   * one of its creation is what `explain` makes of it. The owner calls `discard` in every case.
   */
  constructor(folders: StagingFolders, parent: string, explain: (error: unknown) => unknown) {
    const { path, ready } = folders.allocate(parent)
    this.path = path
    this.#folders = folders
    this.#calls = folders.calls
    this.#opened = ready
      .then(() => this.#calls.open(path, 'wx'))
      .catch(error => {
        throw explain(error)
      })
    this.#opened.catch(error => this.#fail(error))
  }

  /** Takes ownership of `bytes`: the caller must not use them any more. */
  write(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= BATCH || this.#waiting.length >= MAX_BUFFERS) this.#startWriting()
  }

  /** Whether the source has to wait for `room` before the next bytes. */
  get full(): boolean {
    return this.#waitingBytes >= MAX_WAITING || this.#failure !== null
  }

  /** Resolves when `write` may be called again. Rejects with the system's error if the file cannot be written. */
  async room(): Promise<void> {
    while (this.full && this.#failure === null) {
      this.#startWriting()
      await this.#writing
    }
    if (this.#failure !== null) throw this.#failure
  }

  /** Writes all bytes of a stream. */
  async writeAll(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      this.write(chunk)
      if (this.full) await this.room()
    }
  }

  /** Writes the rest, makes the file durable and closes it. */
  async finish(): Promise<void> {
    try {
      for (this.#startWriting(); this.#writing !== null; this.#startWriting()) await this.#writing
      await this.#syncing
      if (this.#failure !== null) throw this.#failure
      await this.#run(file => file.sync())
    } finally {
      await this.#close()
    }
  }

  /** Closes the file and removes it, unless it was renamed. Never rejects. */
  async discard(): Promise<void> {
    if (this.#discarded) return
    this.#discarded = true
    this.#fail(new Error('The file was discarded'))
    await this.#writing
    await this.#syncing
    await this.#close()
    await this.#calls.remove(this.path).catch(() => {})
    await this.#folders.release(this.path)
  }

  #startWriting(): void {
    if (this.#writing !== null || this.#waiting.length === 0) return
    this.#writing = this.#writeWaiting()
      .catch(error => this.#fail(error))
      .finally(() => {
        this.#writing = null
      })
  }

  async #writeWaiting(): Promise<void> {
    while (this.#failure === null && this.#waiting.length > 0) {
      const batch = this.#waiting
      const length = this.#waitingBytes
      this.#waiting = []
      await this.#writeFully(batch)
      for (const bytes of batch) release(bytes)
      this.#waitingBytes -= length
      this.#size += length
      this.#startSyncing()
      if (this.#waitingBytes < BATCH) return
    }
  }

  #startSyncing(): void {
    if (this.#syncing !== null || this.#size - this.#synced < SYNC_EVERY) return
    this.#synced = this.#size
    this.#syncing = this.#run(file => file.datasync())
      .catch(error => this.#fail(error))
      .finally(() => {
        this.#syncing = null
      })
  }

  async #run<T>(call: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await this.#opened
    return this.#calls.run(this.path, () => call(file))
  }

  /** Writes all of `buffers`: one system call may write less. */
  async #writeFully(buffers: Buffer[]): Promise<void> {
    let rest = buffers
    while (rest.length > 0) {
      let { bytesWritten } = await this.#run(file => file.writev(rest))
      const first = rest.findIndex(({ length }) => {
        if (bytesWritten < length) return true
        bytesWritten -= length
        return false
      })
      rest = first === -1 ? [] : [(rest[first] as Buffer).subarray(bytesWritten), ...rest.slice(first + 1)]
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  async #close(): Promise<void> {
    try {
      await this.#calls.close(this.path, await this.#opened)
    } catch {
      // Not opened, or closed before; `finish` has reported an error that matters.
    }
  }
}

/**
 * Frees the memory of a buffer. The garbage collector lets the buffers of a fast upload grow to 60 MB. Skips buffers
 * that share their memory with others.
 */
function release({ buffer, byteLength }: Buffer): void {
  const whole = byteLength >= LARGE && buffer.byteLength === byteLength
  if (whole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
