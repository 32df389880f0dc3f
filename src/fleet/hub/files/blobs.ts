// G-code files of the fleet by their SHA-256, in a folder that several hubs may share.
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ApiError } from '../../../core/errors.ts'
import { makeDurable } from '../../../core/make-durable.ts'

/** Hours after which an upload that did not end is deleted. */
const STALE_HOURS = 24

/** A stored file. */
export interface Blob {
  readonly sha256: string
  readonly size: number
}

export class Blobs {
  readonly #folder: string
  readonly #maxBytes: number

  /** `folder` is created when the first file comes. */
  constructor(folder: string, maxBytes: number) {
    this.#folder = folder
    this.#maxBytes = maxBytes
  }

  /**
   * Stores what a stream delivers; a file that is there already stays as it is. Rejects with ApiError: 400 for an empty
   * file, 413 for one that is too large; and with errors of the stream and the file system. Nothing remains then.
   */
  async put(source: Readable): Promise<Blob> {
    const staging = await this.#stagingFolder()
    const path = join(staging, randomUUID())
    const hash = createHash('sha256')
    let size = 0
    const limit = this.#maxBytes
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
      await mkdir(this.#folderOf(sha256), { recursive: true })
      await rename(path, this.pathOf(sha256))
      await makeDurable(this.#folderOf(sha256))
      return { sha256, size }
    } finally {
      await rm(path, { force: true })
    }
  }

  /** Where a file is, or would be. */
  pathOf(sha256: string): string {
    return join(this.#folderOf(sha256), sha256)
  }

  /** The size of a file; null for one that is not there. */
  async sizeOf(sha256: string): Promise<number | null> {
    const found = await stat(this.pathOf(sha256)).catch(() => null)
    return found?.isFile() === true ? found.size : null
  }

  /** What the slicer wrote into a file; read once, and stored next to it. A file that cannot be read has none. */
  async metadataOf(sha256: string): Promise<Record<string, unknown>> {
    const stored = `${this.pathOf(sha256)}.json`
    const known = await readFile(stored, 'utf8').catch(() => null)
    if (known !== null) return JSON.parse(known) as Record<string, unknown>
    const { scanFile } = await import('../../../components/metadata/scan.ts')
    const { metadata } = await scanFile(this.pathOf(sha256))
    const { uuid: _uuid, modified: _modified, file_processors: _processors, ...facts } = metadata
    await writeFile(stored, JSON.stringify(facts))
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

  async #stagingFolder(): Promise<string> {
    const staging = join(this.#folder, 'incoming')
    await mkdir(staging, { recursive: true })
    return staging
  }
}
