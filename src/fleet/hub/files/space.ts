// How much space the files of a fleet take: for a new one, those make room that no job needs, the longest unused first.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'

/** Hours for which a file stays after its last use: a person uploads first, and orders then. */
const KEPT_HOURS = 1
/** Seconds for which the list of files counts: other hubs may write to the same folder. */
const LIST_SECONDS = 60
/** A file, or what its slicer wrote into it. */
const NAME = /^([0-9a-f]{64})(\.json)?$/

/** What a file takes. */
interface Usage {
  bytes: number
  /** When it was last used, in milliseconds since the epoch. */
  used: number
}

/** What the space depends on. */
export interface FileSpaceOptions {
  readonly folder: string
  /** Bytes that all files together may take. */
  readonly maxBytes: number
  /** The files that jobs need, by their SHA-256. */
  readonly needed: () => ReadonlySet<string>
}

export class FileSpace {
  readonly #options: FileSpaceOptions
  #files = new Map<string, Usage>()
  #listedAt = Number.NEGATIVE_INFINITY

  constructor(options: FileSpaceOptions) {
    this.#options = options
  }

  /**
   * Removes files until there is room for `bytes` more. Rejects with ApiError 507 where that is not possible; then no file
   * is removed.
   */
  async makeRoom(bytes: number): Promise<void> {
    const { maxBytes } = this.#options
    const isOld = performance.now() - this.#listedAt > LIST_SECONDS * 1000
    if (isOld || this.#total + bytes > maxBytes) await this.#list()
    let excess = this.#total + bytes - maxBytes
    if (excess <= 0) return
    const removed: string[] = []
    for (const sha256 of this.#removable()) {
      if (excess <= 0) break
      excess -= this.#files.get(sha256)?.bytes ?? 0
      removed.push(sha256)
    }
    if (excess > 0) throw this.#full(bytes)
    for (const sha256 of removed) await this.#remove(sha256)
  }

  /** A file was added, or was there already. */
  added(sha256: string, bytes: number): void {
    this.#files.set(sha256, { bytes, used: Date.now() })
  }

  get #total(): number {
    let total = 0
    for (const { bytes } of this.#files.values()) total += bytes
    return total
  }

  /** Files that no job needs, the longest unused first. */
  #removable(): string[] {
    const needed = this.#options.needed()
    const limit = Date.now() - KEPT_HOURS * 3_600_000
    return [...this.#files]
      .filter(([sha256, { used }]) => used < limit && !needed.has(sha256))
      .sort(([, a], [, b]) => a.used - b.used)
      .map(([sha256]) => sha256)
  }

  #full(bytes: number): ApiError {
    const gigabytes = (value: number) => (value / 1e9).toFixed(2)
    return new ApiError(
      507,
      `No space for the file: it needs ${gigabytes(bytes)} GB, and of the ${gigabytes(this.#options.maxBytes)} GB for files ` +
        `of the fleet ${gigabytes(this.#total)} GB are taken by files that jobs need or that were used within the last hour. ` +
        'Cancel jobs, or start the hub with a larger --files-gb',
    )
  }

  async #remove(sha256: string): Promise<void> {
    for (const path of [join(this.#folderOf(sha256), sha256), join(this.#folderOf(sha256), `${sha256}.json`)])
      await rm(path, { force: true })
    this.#files.delete(sha256)
  }

  #folderOf(sha256: string): string {
    return join(this.#options.folder, sha256.slice(0, 2))
  }

  async #list(): Promise<void> {
    const files = new Map<string, Usage>()
    for (const name of await readdir(this.#options.folder).catch(() => [])) {
      if (/^[0-9a-f]{2}$/.test(name)) await addFolder(files, join(this.#options.folder, name))
    }
    this.#files = files
    this.#listedAt = performance.now()
  }
}

async function addFolder(files: Map<string, Usage>, folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const sha256 = NAME.exec(name)?.[1]
    const found = sha256 === undefined ? null : await stat(join(folder, name)).catch(() => null)
    if (sha256 === undefined || found === null) continue
    const known = files.get(sha256) ?? { bytes: 0, used: 0 }
    const used = name === sha256 ? found.mtimeMs : known.used
    files.set(sha256, { bytes: known.bytes + found.size, used })
  }
}
