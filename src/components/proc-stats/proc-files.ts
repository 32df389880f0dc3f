// Reads the files in which the kernel tells about the load, once a second and for little.
import { closeSync, openSync, readSync } from 'node:fs'

/**
 * Reads into one buffer that is kept. Synchronously, and only for /proc: its files come from the kernel's memory, and
 * a way through the thread pool costs several times the reading itself. Those of /sys may have to ask a device.
 */
export class ProcFiles {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024)

  /** The folder that holds /proc; '' is the machine itself. */
  constructor(root: string) {
    this.#root = root
  }

  /** The text of a file, as far as the buffer holds it; '' where it cannot be read. */
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

  /** The kernel may give a longer file piece by piece. */
  #fill(file: number): number {
    let length = 0
    for (;;) {
      const count = readSync(file, this.#buffer, length, this.#buffer.length - length, null)
      length += count
      if (count === 0 || length === this.#buffer.length) return length
    }
  }
}
