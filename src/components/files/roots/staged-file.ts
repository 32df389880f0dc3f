// A file while it is being made: written in bounded memory, durable before it is shown.
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { HiddenFolders } from './staging-folder.ts'

/** Bytes that are written in one go. */
const BATCH = 1024 * 1024
/** Buffers that are written in one go, however short they are. */
const MAX_BUFFERS = 256
/** Bytes that may wait to be written before the source has to pause. */
const MAX_WAITING = 4 * 1024 * 1024
/** Bytes after which the disk is told to begin: the last fsync is short then, and memory does not fill with them. */
const SYNC_EVERY = 16 * 1024 * 1024
/** Bytes from which on a buffer is given back at once: smaller ones may be constants of a library. */
const LARGE = 16 * 1024

export class StagedFile {
  readonly path: string
  readonly #folders: HiddenFolders
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
   * Begins a file in the hidden folder of `parent`. An error of the file shows in `room` and `finish`. Throws the
   * system's error where there is no such folder. Ends with `discard`, whatever became of it.
   */
  constructor(folders: HiddenFolders, parent: string) {
    this.path = folders.enter(parent)
    this.#folders = folders
    this.#opened = open(this.path, 'wx')
    this.#opened.catch(error => this.#fail(error))
  }

  /** Takes bytes that are the file's from now on: nobody else may look at them any more. */
  write(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= BATCH || this.#waiting.length >= MAX_BUFFERS) this.#startWriting()
  }

  /** Whether the source should wait for `room` before the next bytes. */
  get full(): boolean {
    return this.#waitingBytes >= MAX_WAITING || this.#failure !== null
  }

  /** Resolves when there is room for more. Rejects with the system's error when the file cannot be written. */
  async room(): Promise<void> {
    while (this.full && this.#failure === null) {
      this.#startWriting()
      await this.#writing
    }
    if (this.#failure !== null) throw this.#failure
  }

  /** Takes all bytes of a stream. */
  async writeAll(source: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of source) {
      this.write(chunk)
      if (this.full) await this.room()
    }
  }

  /** Writes what is left, makes all of it durable and closes the file. */
  async finish(): Promise<void> {
    try {
      for (this.#startWriting(); this.#writing !== null; this.#startWriting()) await this.#writing
      await this.#syncing
      if (this.#failure !== null) throw this.#failure
      await (await this.#opened).sync()
    } finally {
      await this.#close()
    }
  }

  /** Ends the work on the file, and removes it unless it has been moved away. Never rejects. */
  async discard(): Promise<void> {
    if (this.#discarded) return
    this.#discarded = true
    this.#fail(new Error('The file was discarded'))
    await this.#writing
    await this.#syncing
    await this.#close()
    await rm(this.path, { force: true }).catch(() => {})
    this.#folders.leave(this.path)
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
    const handle = await this.#opened
    while (this.#failure === null && this.#waiting.length > 0) {
      const batch = this.#waiting
      const length = this.#waitingBytes
      this.#waiting = []
      await writeFully(handle, batch)
      for (const bytes of batch) release(bytes)
      this.#waitingBytes -= length
      this.#size += length
      this.#startSyncing(handle)
      if (this.#waitingBytes < BATCH) return
    }
  }

  #startSyncing(handle: FileHandle): void {
    if (this.#syncing !== null || this.#size - this.#synced < SYNC_EVERY) return
    this.#synced = this.#size
    this.#syncing = handle
      .datasync()
      .catch(error => this.#fail(error))
      .finally(() => {
        this.#syncing = null
      })
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  async #close(): Promise<void> {
    try {
      await (await this.#opened).close()
    } catch {
      // Never opened or closed before; where it matters, `finish` has reported it.
    }
  }
}

/** The system may write less than it was given. */
async function writeFully(handle: FileHandle, buffers: Buffer[]): Promise<void> {
  let rest = buffers
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest)
    const first = rest.findIndex(({ length }) => {
      if (bytesWritten < length) return true
      bytesWritten -= length
      return false
    })
    rest = first === -1 ? [] : [(rest[first] as Buffer).subarray(bytesWritten), ...rest.slice(first + 1)]
  }
}

/**
 * Gives memory back at once. Left to the garbage collector, the buffers of a fast upload come to 60 MB before it
 * cares. Bytes that share their memory with others are left alone.
 */
function release({ buffer, byteLength }: Buffer): void {
  const whole = byteLength >= LARGE && buffer.byteLength === byteLength
  if (whole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
