// The files in which a machine tells what it is: /proc, /sys, /etc. What is not there is null or empty, never an error.
import { access, readdir, readFile, readlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** As many links as the kernel follows. */
const MAX_LINKS = 40

/** Reads below `root`; '' is the machine itself. Every path is absolute on that machine. */
export class MachineFiles {
  readonly #root: string

  constructor(root = '') {
    this.#root = root
  }

  /** A file's text without blanks around it; null where it cannot be read. */
  async read(path: string): Promise<string | null> {
    try {
      // Texts of the device tree end with a NUL.
      return (await readFile(this.#root + path, 'utf8')).replace(/\0+$/, '').trim()
    } catch {
      return null
    }
  }

  /** The text of the first of these files that has one. */
  async readFirst(...paths: readonly string[]): Promise<string | null> {
    for (const path of paths) {
      const text = await this.read(path)
      if (text !== null && text !== '') return text
    }
    return null
  }

  /** The whole number that a file holds, alone; null where there is none. */
  async readInteger(path: string): Promise<number | null> {
    const text = await this.read(path)
    return text !== null && /^-?\d+$/.test(text) ? Number(text) : null
  }

  /** What a folder holds, by name; nothing where it cannot be read. */
  async list(path: string): Promise<string[]> {
    try {
      return (await readdir(this.#root + path)).sort()
    } catch {
      return []
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await access(this.#root + path)
      return true
    } catch {
      return false
    }
  }

  /** Where a path leads when its last part is a link, through further links; the path itself otherwise. */
  async follow(path: string): Promise<string> {
    let place = path
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const target = await readlink(this.#root + place).catch(() => null)
      if (target === null) return place
      place = resolve(dirname(place), target)
    }
    return place
  }
}
