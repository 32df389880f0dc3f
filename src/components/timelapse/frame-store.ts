// The folders with the frames of prints. The frames of a print stay until the next print starts, and for as long as a
// video or an archive is made of them.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { Frames } from './frames.ts'

/** The folder of the newest print has the highest number: the clock of a board may be wrong. */
const FOLDER_NAME = /^print-(\d{6,9})$/

/** What a store depends on. */
export interface FrameStoreParts {
  /** The folder of the folders. */
  readonly path: string
  readonly log: Log
  /** Called when the newest print is another one. */
  readonly onChange: (frames: Frames) => void
}

export class FrameStore {
  readonly #parts: FrameStoreParts
  readonly #changes = new SerialQueue()
  /** How often the frames of a folder are used now. */
  readonly #uses = new Map<string, number>()
  #current: Frames | null = null

  constructor(parts: FrameStoreParts) {
    this.#parts = parts
  }

  /** Reads what earlier runs have left. A folder that cannot be read counts as empty: its disk may come later. */
  async open(): Promise<void> {
    const newest = (await this.#names()).at(-1)
    const found = newest === undefined ? null : await this.find(newest)
    this.#set(found ?? (await this.#create(1)))
  }

  /** The frames of the newest print. Throws Error before `open`. */
  get current(): Frames {
    if (this.#current === null) throw new Error('the frames are not read yet')
    return this.#current
  }

  /** The frames of a print by the name of its folder; null if there are none. */
  async find(name: string): Promise<Frames | null> {
    if (name === this.#current?.name) return this.#current
    if (!(await this.#names()).includes(name)) return null
    return Frames.read(this.#at(name)).catch(() => null)
  }

  /** Starts a print without frames, and removes those of earlier prints. */
  startPrint(): Promise<Frames> {
    return this.#changes.run(async () => {
      const names = [this.current.name, ...(await this.#names())]
      const frames = await this.#create(Math.max(...names.map(numberOf)) + 1)
      this.#set(frames)
      await this.#removeOld()
      return frames
    })
  }

  /** Keeps the frames while `work` uses them. */
  async use<T>({ name }: Frames, work: () => Promise<T>): Promise<T> {
    this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (this.#uses.get(name) ?? 1) - 1
      if (left > 0) this.#uses.set(name, left)
      else this.#uses.delete(name)
      await this.#changes.run(() => this.#removeOld())
    }
  }

  #set(frames: Frames): void {
    this.#current = frames
    this.#parts.onChange(frames)
  }

  #create(number: number): Promise<Frames> {
    return Frames.create(this.#at(`print-${String(number).padStart(6, '0')}`))
  }

  /** Never rejects: the next print tries again. */
  async #removeOld(): Promise<void> {
    try {
      for (const name of await this.#names()) {
        if (name === this.current.name || this.#uses.has(name)) continue
        await rm(this.#at(name), { recursive: true, force: true })
      }
    } catch (error) {
      this.#parts.log.warning(`old frames cannot be removed: ${messageOf(error)}`)
    }
  }

  /** The folders, the oldest first. */
  async #names(): Promise<string[]> {
    const names = await readdir(this.#parts.path).catch(() => [])
    return names.filter(name => FOLDER_NAME.test(name)).sort((a, b) => numberOf(a) - numberOf(b))
  }

  #at(name: string): string {
    return join(this.#parts.path, name)
  }
}

function numberOf(name: string): number {
  return Number(FOLDER_NAME.exec(name)?.[1] ?? 0)
}
