// Reads the small files in which Linux tells about itself, once a second and for little.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'

/**
 * Reads into one buffer that is kept. Synchronously: these files come from the kernel's memory, and a way through the
 * thread pool costs several times the reading itself.
 */
export class SmallFiles {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  /** Paths count from `root`; '' is the machine itself. */
  constructor(root: string) {
    this.#root = root
  }

  /** The place of `path` below the root. */
  place(path: string): string {
    return this.#root + path
  }

  /** The text of a file, as far as the buffer holds it; null where it cannot be read. */
  read(path: string): string | null {
    let file: number | undefined
    try {
      file = openSync(this.place(path), 'r')
      return this.#buffer.toString('utf8', 0, this.#fill(file))
    } catch {
      return null
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }

  /** The kernel may give a longer file piece by piece. */
  #fill(file: number): number {
    let length = 0
    for (;;) {
      const count = readSync(file, this.#buffer, length, this.#buffer.length - length, null)
      length += count
      if (count === 0 || length === this.#buffer.length) return length
    }
  }

  /** The number that a file holds, alone; null where there is none. */
  readNumber(path: string): number | null {
    const text = this.read(path)?.trim()
    if (text === undefined || text === '') return null
    const value = Number(text)
    return Number.isFinite(value) ? value : null
  }

  /** What a folder holds; nothing where it cannot be read. */
  list(path: string): string[] {
    try {
      return readdirSync(this.place(path)).sort()
    } catch {
      return []
    }
  }
}
