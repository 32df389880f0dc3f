// The files that describe Linux and its devices: /proc, /sys, /dev, /etc.
import { constants } from 'node:fs'
import { access, type FileHandle, open, readdir, readlink, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** The size of the first read; an attribute of sysfs is never longer. */
const FIRST_BYTES = 4096
/** The rest is dropped: only machines with hundreds of cores have longer files. */
const MAX_BYTES = 256 * 1024
/** The kernel follows as many links. */
const MAX_LINKS = 40

/**
 * The files of one machine. Paths are absolute on that machine. A path that is missing, unreadable or not a file gives
 * null or an empty list, never an error: devices come and go at any time.
 */
export class SystemFiles {
  readonly #root: string

  /** '' is this machine; another root is a folder with the content of another machine's /. */
  constructor(root: string) {
    this.#root = root
  }

  /** Where `path` of that machine is on this one. */
  place(path: string): string {
    return this.#root + path
  }

  /** A file's text without the space around it; null also where it is empty. */
  async text(path: string): Promise<string | null> {
    try {
      // O_NONBLOCK, since a pipe without a writer would block.
      const file = await open(this.place(path), constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        return textOf(await readStart(file))
      } finally {
        await file.close()
      }
    } catch {
      return null
    }
  }

  /** The text of the first file that has one. */
  async firstText(...paths: readonly string[]): Promise<string | null> {
    for (const path of paths) {
      const text = await this.text(path)
      if (text !== null) return text
    }
    return null
  }

  /** The number in a file that contains nothing else; hexadecimal with the prefix 0x. Null for other content. */
  async number(path: string): Promise<number | null> {
    const text = await this.text(path)
    return text !== null && /^(-?\d{1,15}|0x[\da-f]{1,12})$/i.test(text) ? Number(text) : null
  }

  /** The names in a folder, `tty2` before `tty10`. */
  async names(folder: string): Promise<string[]> {
    const names = await readdir(this.place(folder)).catch(() => [])
    const keyed = names.map(name => [sortKey(name), name] as const)
    return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name)
  }

  async exists(path: string): Promise<boolean> {
    try {
      await access(this.place(path))
      return true
    } catch {
      return false
    }
  }

  /** `path` with all links followed. */
  async real(path: string): Promise<string | null> {
    try {
      const [root, found] = await Promise.all([realpath(this.place('/')), realpath(this.place(path))])
      return root === '/' ? found : found.startsWith(`${root}/`) ? found.slice(root.length) : null
    } catch {
      return null
    }
  }

  /** The end of the links that start at a path; it need not exist. */
  async follow(path: string): Promise<string> {
    let place = path
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const target = await readlink(this.place(place)).catch(() => null)
      if (target === null) break
      place = resolve(dirname(place), target)
    }
    return place
  }
}

async function readStart(file: FileHandle): Promise<Buffer> {
  let buffer = Buffer.allocUnsafe(FIRST_BYTES)
  let length = 0
  // The kernel may return a longer file in parts.
  for (;;) {
    const { bytesRead } = await file.read(buffer, length)
    length += bytesRead
    if (bytesRead === 0 || length === MAX_BYTES) return buffer.subarray(0, length)
    if (length === buffer.length) buffer = Buffer.concat([buffer], length * 4)
  }
}

/** Texts of the device tree end with NUL, and a file that a power loss damaged may contain nothing else. */
function textOf(bytes: Buffer): string | null {
  const end = bytes.findLastIndex(byte => byte !== 0) + 1
  return bytes.toString('utf8', 0, end).trim() || null
}

/** Sorts numbers by value. */
function sortKey(name: string): string {
  return name.replace(/\d+/g, digits => digits.padStart(10, '0'))
}
