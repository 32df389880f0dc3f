// The frames of a print: pictures with consecutive numbers in a folder of their own, next to a record of the print.
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { makeDurable } from '../../core/make-durable.ts'
import { makeFolders } from '../../core/make-folders.ts'
import { bool, int, object, readOr, string } from '../../schema/index.ts'

/** The pictures of a folder, in their order, as a pattern of file names. */
export const FRAME_PATTERN = 'frame*.jpg'

/** Frame 123 is frame000123.jpg: Fluidd makes the names itself. */
const FRAME_NAME = /^frame(\d{6})\.jpg$/
const MAX_FRAMES = 999_999
const RECORD_FILE = '.print.json'

/** What is stored about a print. */
export interface PrintRecord {
  /** The G-code file below the gcodes root; '' for frames without a print. */
  readonly printfile: string
  /** The id of its job in the history; '' if unknown. */
  readonly jobId: string
  /** Whether the end of the print was processed. */
  readonly hasEnded: boolean
  /** How many frames the last video contains, and the last archive. */
  readonly rendered: number
  readonly archived: number
}

const NEW_RECORD: PrintRecord = { printfile: '', jobId: '', hasEnded: false, rendered: 0, archived: 0 }

const Record = object({
  printfile: string().default(''),
  jobId: string().default(''),
  hasEnded: bool().default(false),
  rendered: int({ min: 0 }).default(0),
  archived: int({ min: 0 }).default(0),
})

export class Frames {
  readonly folder: string
  #record: PrintRecord
  #count: number

  private constructor(folder: string, record: PrintRecord, count: number) {
    this.folder = folder
    this.#record = record
    this.#count = count
  }

  /** Makes the folder. If that fails, each frame tries again. */
  static async create(folder: string): Promise<Frames> {
    await makeFolders(folder).catch(() => undefined)
    return new Frames(folder, NEW_RECORD, 0)
  }

  /** Reads a folder of an earlier run. Rejects with the system's error. */
  static async read(folder: string): Promise<Frames> {
    const numbers = (await readdir(folder)).map(name => Number(FRAME_NAME.exec(name)?.[1] ?? 0))
    const text = await readFile(join(folder, RECORD_FILE), 'utf8').catch(() => '{}')
    const count = numbers.reduce((most, number) => Math.max(most, number), 0)
    return new Frames(folder, readOr(Record, parsed(text), NEW_RECORD), count)
  }

  /** The name of the folder. */
  get name(): string {
    return basename(this.folder)
  }

  get record(): PrintRecord {
    return this.#record
  }

  /** The number of the last frame. */
  get count(): number {
    return this.#count
  }

  /** The file of the last frame; '' without frames. */
  get lastFile(): string {
    return this.#count === 0 ? '' : fileOf(this.#count)
  }

  /** The files of the frames, in their order. */
  async files(): Promise<string[]> {
    return (await readdir(this.folder)).filter(name => FRAME_NAME.test(name)).sort()
  }

  /** Stores a picture as the next frame; resolves when it is on the disk. Rejects with the system's error. */
  async add(picture: Buffer): Promise<void> {
    const number = this.#count + 1
    if (number > MAX_FRAMES) throw new Error(`a print can have ${MAX_FRAMES} frames`)
    await this.#write(fileOf(number), picture)
    this.#count = number
  }

  /** Changes the record; resolves when it is on the disk. */
  async update(changes: Partial<PrintRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes }
    await this.#write(RECORD_FILE, JSON.stringify(this.#record))
  }

  /** The file has its name only when it is whole. The system may have cleaned up the folder. */
  async #write(name: string, content: string | Buffer): Promise<void> {
    const draft = join(this.folder, `.${name}.part`)
    await makeFolders(this.folder)
    try {
      await writeFile(draft, content, { flush: true })
      await rename(draft, join(this.folder, name))
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined)
      throw error
    }
    await makeDurable(this.folder)
  }
}

function fileOf(number: number): string {
  return `frame${String(number).padStart(6, '0')}.jpg`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
