// Reads the kernel's files about the load once a second, at little cost.
import { closeSync, openSync, readSync } from 'node:fs'

/** The kernel returns whole lines up to a page at once; fewer bytes than this are the end of a file. */
const SHORT_READ = 3072

/**
 * Reads into one buffer, synchronously, from files that stay open. Only for /proc: its files come from the kernel's
 * memory, and the thread pool would cost several times the read itself. A file of /sys may have to query a device.
 */
export class ProcFiles {
  readonly #root: string
  readonly #buffer = Buffer.allocUnsafeSlow(256 * 1024)
  readonly #files = new Map<string, number>()

  /** The folder that contains /proc; '' is this machine. */
  constructor(root: string) {
    this.#root = root
  }

  /** The text of a file, up to the size of the buffer; '' if it cannot be read. */
  read(path: string): string {
    try {
      return this.#buffer.toString('utf8', 0, this.#fill(this.#open(path)))
    } catch {
      return ''
    }
  }

  #open(path: string): number {
    const file = this.#files.get(path) ?? openSync(this.#root + path, 'r')
    this.#files.set(path, file)
    return file
  }

  #fill(file: number): number {
    let length = 0
    for (;;) {
      const count = readSync(file, this.#buffer, length, this.#buffer.length - length, length)
      length += count
      if (count < SHORT_READ || length === this.#buffer.length) return length
    }
  }

  /** Closes the files until the next read. */
  close(): void {
    for (const file of this.#files.values()) closeSync(file)
    this.#files.clear()
  }
}
