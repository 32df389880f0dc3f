// A device on a serial port, under the control of a test: the other end of a pseudo terminal.
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DeviceCalls, loadDeviceCalls } from '../../src/core/device-calls.ts'
import type { Registration } from '../../src/core/scope.ts'
import { baudOf, rawSettings, settingsBuffer, TCGETS2, TCSETS2 } from '../../src/core/serial-port/termios.ts'

const TIOCSPTLCK = 0x40045431
const TIOCGPTN = 0x80045430

/** Why there are no pseudo terminals here, as a reason to skip; false where there are. */
export async function noPseudoTerminals(): Promise<string | false> {
  try {
    await using device = await FakeSerialDevice.start()
    return device.path === '' ? 'no path' : false
  } catch (error) {
    return `no pseudo terminals: ${(error as Error).message}`
  }
}

export class FakeSerialDevice implements AsyncDisposable {
  /** A link to the terminal, as those in /dev/serial/by-id: the same after each `plugIn`. */
  readonly path: string
  readonly #folder: string
  readonly #calls: DeviceCalls
  readonly #waiters = new Set<() => void>()
  /** Both ends: without the second one, a server that closes it would be an error of the first. */
  #files: readonly number[] = []
  #watch: Registration | null = null
  #received = Buffer.alloc(0)
  #unsent = Buffer.alloc(0)
  #onData: (bytes: Buffer) => void = () => {}

  private constructor(folder: string, calls: DeviceCalls) {
    this.#folder = folder
    this.#calls = calls
    this.path = join(folder, 'device')
  }

  /** A device that is plugged in. Rejects with Error if the machine has no pseudo terminals. */
  static async start(settings: 'new' | 'raw' = 'raw'): Promise<FakeSerialDevice> {
    const device = new FakeSerialDevice(
      mkdtempSync(join(tmpdir(), 'serial-')),
      await loadDeviceCalls('serial ports'),
    )
    device.plugIn(settings)
    return device
  }

  /** `new` settings echo what the device sends, until the server changes them; `raw` ones do not. */
  plugIn(settings: 'new' | 'raw' = 'raw'): void {
    const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK
    const master = openSync('/dev/ptmx', flags)
    const number = Buffer.alloc(4)
    this.#calls.ioctl(master, TIOCSPTLCK, number)
    this.#calls.ioctl(master, TIOCGPTN, number)
    const terminal = `/dev/pts/${number.readUInt32LE()}`
    this.#files = [master, openSync(terminal, flags)]
    if (settings === 'raw') this.#calls.ioctl(this.#terminal, TCSETS2, rawSettings(9600))
    this.#watch = this.#calls.watch(master, { writable: false }, () => this.#read(master))
    symlinkSync(terminal, this.path)
  }

  /** The device is gone, and with it the port. */
  unplug(): void {
    rmSync(this.path, { force: true })
    this.#watch?.remove()
    for (const file of this.#files) closeSync(file)
    this.#files = []
    this.#received = Buffer.alloc(0)
    this.#unsent = Buffer.alloc(0)
  }

  /** The baud rate that the server has set. */
  get baud(): number {
    const settings = settingsBuffer()
    this.#calls.ioctl(this.#terminal, TCGETS2, settings)
    return baudOf(settings)
  }

  /** The server's end. */
  get #terminal(): number {
    return this.#files[1] as number
  }

  /** Calls `listener` with everything that is received from now on. */
  onData(listener: (bytes: Buffer) => void): void {
    this.#onData = listener
  }

  /** Does not read any more: what the server writes waits. */
  stopReading(): void {
    this.#watch?.remove()
  }

  /** Sends after all that was sent before, as soon as the server's end has room. */
  send(data: string | Buffer): void {
    const isFirst = this.#unsent.length === 0
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(data)])
    if (isFirst) this.#write()
  }

  #write(): void {
    try {
      while (this.#unsent.length > 0) {
        this.#unsent = this.#unsent.subarray(writeSync(this.#files[0] as number, this.#unsent))
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      setTimeout(() => this.#files.length > 0 && this.#write(), 1)
    }
  }

  /** All that was received and not taken by `line` or `bytes`. */
  get received(): string {
    return this.#received.toString()
  }

  /** Resolves with the next line, without its end. */
  async line(): Promise<string> {
    await this.#until(() => this.#received.includes('\n'))
    const line = this.#take(this.#received.indexOf('\n') + 1)
    return line.toString().replace(/\r?\n$/, '')
  }

  /** Resolves with the next `length` bytes. */
  async bytes(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length)
    return this.#take(length)
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  #read(master: number): void {
    if (this.#files[0] !== master) return
    const buffer = Buffer.alloc(65536)
    const bytes = buffer.subarray(0, readSync(master, buffer))
    this.#received = Buffer.concat([this.#received, bytes])
    this.#onData(bytes)
    for (const waiter of this.#waiters) waiter()
  }

  async #until(isFulfilled: () => boolean): Promise<void> {
    while (!isFulfilled()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.unplug()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
