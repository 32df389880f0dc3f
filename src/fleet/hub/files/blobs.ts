// G-code files of the fleet by their SHA-256, in a folder that several hubs may share.
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ApiError } from '../../../core/errors.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import { SerialQueue } from '../../../core/serial-queue.ts'
import { FileSpace } from './space.ts'

/** Hours after which an upload that did not end is deleted. */
const STALE_HOURS = 24

/** A stored file. */
export interface Blob {
  readonly sha256: string
  readonly size: number
}

/** Where files are, and how large they may be. */
export interface BlobsOptions {
  /** Created when the first file comes. */
  readonly folder: string
  /** Bytes of one file. */
  readonly maxFileBytes: number
  /** Bytes of all files. */
  readonly maxBytes: number
  /** The files that jobs need, by their SHA-256: they are never removed. */
  readonly needed: () => ReadonlySet<string>
}

export class Blobs {
  readonly #folder: string
  readonly #maxFileBytes: number
  readonly #space: FileSpace
  /** One file after the other takes its space. */
  readonly #publishing = new SerialQueue()

  constructor({ folder, maxFileBytes, maxBytes, needed }: BlobsOptions) {
    this.#folder = folder
    this.#maxFileBytes = maxFileBytes
    this.#space = new FileSpace({ folder, maxBytes, needed })
  }

  /**
   * Stores what a stream delivers. `announced` are the bytes that the sender
   * announces, 0 if it does not. Rejects with ApiError: 400 for an empty file, 413 for one that is too large, 507 without
   * space for it; and with errors of the stream and the file system. Nothing remains then.
   */
  async put(source: Readable, announced = 0): Promise<Blob> {
    // Before the file is received: a sender of a large file should not wait for the refusal.
    if (announced > 0) await this.#publishing.run(() => this.#space.makeRoom(announced))
    const path = await this.#stagingPath()
    const hash = createHash('sha256')
    let size = 0
    const limit = this.#maxFileBytes
    try {
      const measured = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          size += chunk.length
          if (size > limit)
            throw new ApiError(413, `The file is too large: at most ${limit} bytes are allowed`)
          hash.update(chunk)
          yield chunk
        }
      }
      await pipeline(source, measured, createWriteStream(path, { flags: 'wx', flush: true }))
      if (size === 0) throw new ApiError(400, 'The file is empty')
      const sha256 = hash.digest('hex')
      await this.#publishing.run(() => this.#publish(path, { sha256, size }))
      return { sha256, size }
    } finally {
      await rm(path, { force: true })
    }
  }

  async #publish(path: string, { sha256, size }: Blob): Promise<void> {
    if ((await this.use(sha256)) === null) await this.#space.makeRoom(size)
    const folder = this.#folderOf(sha256)
    if ((await mkdir(folder, { recursive: true })) !== undefined) await makeDurable(this.#folder)
    await rename(path, this.pathOf(sha256))
    await makeDurable(folder)
    this.#space.added(sha256, size)
  }

  /** Where a file is, or would be. */
  pathOf(sha256: string): string {
    return join(this.#folderOf(sha256), sha256)
  }

  /** Notes that a file is used now, and resolves with its size; with null for one that is not there. */
  async use(sha256: string): Promise<number | null> {
    try {
      const now = new Date()
      await utimes(this.pathOf(sha256), now, now)
      return (await stat(this.pathOf(sha256))).size
    } catch {
      return null
    }
  }

  /** What the slicer wrote into a file; read once, and stored next to it. A file that cannot be read has none. */
  async metadataOf(sha256: string): Promise<Record<string, unknown>> {
    const stored = `${this.pathOf(sha256)}.json`
    const known = await readJson(stored)
    if (known !== null) return known
    const { scanFile } = await import('../../../components/metadata/scan.ts')
    const { metadata } = await scanFile(this.pathOf(sha256))
    const { uuid: _uuid, modified: _modified, file_processors: _processors, ...facts } = metadata
    const staging = await this.#stagingPath()
    await writeFile(staging, JSON.stringify(facts), { flush: true })
    await rename(staging, stored)
    return facts
  }

  /** Deletes what is left of uploads that did not end. */
  async removeStale(): Promise<void> {
    const staging = await this.#stagingFolder()
    const limit = Date.now() - STALE_HOURS * 3_600_000
    for (const name of await readdir(staging)) {
      const path = join(staging, name)
      const found = await stat(path).catch(() => null)
      if (found !== null && found.mtimeMs < limit) await rm(path, { force: true })
    }
  }

  #folderOf(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2))
  }

  async #stagingPath(): Promise<string> {
    return join(await this.#stagingFolder(), randomUUID())
  }

  async #stagingFolder(): Promise<string> {
    const staging = join(this.#folder, 'incoming')
    await mkdir(staging, { recursive: true })
    return staging
  }
}

/** The content of a file; null where it is missing, or no JSON. */
async function readJson(path: string): Promise<Record<string, unknown> | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  } catch {
    return null
  }
}
