// One TD-1: the exchange that it starts with, its scans, its restart.
import type { Scanners } from '../../api/td1.ts'
import type { Core } from '../../component/component.ts'
import { Allowance } from '../../core/allowance.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { SerialPort } from '../../core/serial-port/serial-port.ts'
import { SerialReader } from '../../core/serial-port/serial-reader.ts'
import type { Infer } from '../../schema/index.ts'

/** Seconds for a reply of the scanner. */
const REPLY_SECONDS = 5
const ERROR_FILE = 'errors.txt'
/** Bytes of the error file. */
const MAX_FILE = 64 * 1024
const MAX_BLOCKS = 1024
/** A scan is a list with commas: the transmission distance is the fifth field, the colour the sixth. */
const SCAN_FIELDS = 6

/** Unreadable scans that are logged: a damaged scanner could send thousands a second. */
const LOGGED = { perSecond: 1, most: 20 }

/** What clients see of a scanner. */
type Data = Infer<typeof Scanners>[string]

/** How a scanner is reached. */
export interface ScannerOptions {
  readonly serial: string
  readonly path: string
  readonly baud: number
  readonly onChange: () => void
}

export class Scanner {
  readonly #core: Core
  readonly #options: ScannerOptions
  readonly #port: SerialPort
  readonly #reader: SerialReader
  readonly #logged: Allowance
  #data: Data | null = null
  #onLine = (line: string) => this.#readScan(line)

  constructor(core: Core, options: ScannerOptions) {
    const { path, baud } = options
    this.#core = core
    this.#options = options
    this.#logged = new Allowance(core.clock, LOGGED)
    this.#reader = new SerialReader(core.clock, 2 * MAX_FILE)
    this.#port = new SerialPort({
      path,
      baud,
      clock: core.clock,
      log: core.log,
      onOpen: () => void this.#serve(),
      onData: bytes => this.#reader.push(bytes),
      onLost: () => this.#lose(),
    })
  }

  get path(): string {
    return this.#options.path
  }

  /** Null until the scanner has replied. */
  get data(): Data | null {
    return this.#data
  }

  /** Opens the port. Rejects with Error if this machine has no access to serial ports. */
  start(): Promise<void> {
    return this.#port.start()
  }

  stop(): void {
    this.#port.stop()
    this.#lose()
  }

  /** Restarts the scanner, which closes its port. Rejects with ApiError 504 if it does not reply. */
  async reboot(): Promise<void> {
    this.#port.write('change settings\n')
    await this.#reply(line => line === 'ready')
    this.#port.write('RGB_Enabled = True\ndone\n')
    // It may restart before it replies.
    await this.#reply(() => true).catch(() => {})
  }

  #lose(): void {
    const wasKnown = this.#data !== null
    this.#data = null
    this.#reader.fail(new Error('was removed'))
    if (wasKnown) this.#options.onChange()
  }

  /** Runs until the scanner is removed. */
  async #serve(): Promise<void> {
    try {
      const error = await this.#readErrors().catch((reason: unknown) => {
        if (this.#port.isOpen) return messageOf(reason)
        throw reason
      })
      this.#change({ td: null, color: null, scan_time: null, error })
      for (;;) this.#onLine(await this.#reader.line())
    } catch (error) {
      this.#core.log.debug(`scanner ${this.#options.serial}: ${messageOf(error)}`)
    }
  }

  #change(data: Data): void {
    this.#data = data
    this.#options.onChange()
  }

  #readScan(line: string): void {
    const fields = line.split(',')
    if (fields.length < SCAN_FIELDS) return
    const td = Number.parseFloat(fields[4] as string)
    const color = (fields[5] as string).trim()
    if (!Number.isFinite(td)) {
      const { log } = this.#core
      const text = `scanner ${this.#options.serial} sends no number: ${line.slice(0, 100)}`
      if (this.#logged.take(1)) log.warning(text)
      return
    }
    const scan_time = new Date(this.#core.clock.now() * 1000).toISOString()
    this.#change({ td, color, scan_time, error: this.#data?.error ?? null })
  }

  /** Waits for a line; others are scans. Rejects with ApiError 504 after `REPLY_SECONDS`. */
  async #reply(isWanted: (line: string) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const error = new ApiError(504, `Scanner ${this.#options.serial} does not reply`)
    const timer = this.#core.clock.after(REPLY_SECONDS, () => reject(error))
    this.#onLine = line => (isWanted(line) ? resolve() : this.#readScan(line))
    try {
      await promise
    } finally {
      timer.stop()
      this.#onLine = line => this.#readScan(line)
    }
  }

  /** The content of the error file; null if there is no file. Requests it until the scanner replies. */
  async #readErrors(): Promise<string | null> {
    this.#requestErrors()
    for (;;) {
      const line = await this.#reader.line(REPLY_SECONDS).catch(() => null)
      if (line === `No file named ${ERROR_FILE}`) return null
      if (line === 'ready') return this.#readErrorFile()
      if (line === null) this.#requestErrors()
    }
  }

  #requestErrors(): void {
    this.#port.write(`retrieve file\n${ERROR_FILE}\n`)
  }

  /** Its size and the number of its blocks, then each block after its size. The server confirms each block. */
  async #readErrorFile(): Promise<string> {
    let left = await this.#number(MAX_FILE)
    const blocks: Buffer[] = []
    for (let count = await this.#number(MAX_BLOCKS); count > 0; count -= 1) {
      const size = await this.#number(left)
      if (size > 0) blocks.push(await this.#reader.bytes(size, REPLY_SECONDS))
      left -= size
      this.#port.write('ready\n')
    }
    return Buffer.concat(blocks).toString().trim()
  }

  async #number(max: number): Promise<number> {
    const line = await this.#reader.line(REPLY_SECONDS)
    const value = Number(line)
    if (Number.isInteger(value) && value >= 0 && value <= max) return value
    throw new Error(`${ERROR_FILE} cannot be read: ${line.slice(0, 100)} is no size up to ${max}`)
  }
}
