// klippy.log: lines with their time, in order, written asynchronously.

import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolders } from '../core/make-folders.ts'

/** Appends lines to a file; without a file it does nothing. */
export class KlippyLog {
  readonly #file: string | undefined
  #lines: string[] = []
  #writing: Promise<void> | undefined

  constructor(file: string | undefined) {
    this.#file = file
  }

  write(line: string): void {
    if (this.#file === undefined) return
    this.#lines.push(`${new Date().toISOString()} ${line}\n`)
    this.#writing ??= this.#drain(this.#file)
  }

  /** Resolves when all lines are in the file. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #drain(file: string): Promise<void> {
    try {
      await makeFolders(dirname(file))
      while (this.#lines.length > 0) await appendFile(file, this.#lines.splice(0).join(''))
    } catch {
      // A log that cannot be written must not stop the printer; the next line retries.
      this.#lines = []
    }
    this.#writing = undefined
  }
}
