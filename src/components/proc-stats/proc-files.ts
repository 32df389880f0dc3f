// Reads the kernel's files about the load once a second, at little cost.
import { closeSync, openSync, readSync } from 'node:fs'

/**
 * Reads into one buffer, synchronously. Only for /proc: its files come from the kernel's memory, and the thread pool would
 * cost several times the read itself. A file of /sys may have to query a device.
 */
export class ProcFiles {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  /** The folder that contains /proc; '' is this machine. */
  constructor(root: string) {
    this.#root = root
  }

  /** The text of a file, up to the size of the buffer; '' if it cannot be read. */
  read(path: string): string {
    let file: number | undefined
    try {
      file = openSync(this.#root + path, 'r')
      return this.#buffer.toString('utf8', 0, this.#fill(file))
    } catch {
      return ''
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }

  /** The kernel may return a longer file in parts. */
  #fill(file: number): number {
    let length = 0
    for (;;) {
      const count = readSync(file, this.#buffer, length, this.#buffer.length - length, null)
      length += count
      if (count === 0 || length === this.#buffer.length) return length
    }
  }
}
