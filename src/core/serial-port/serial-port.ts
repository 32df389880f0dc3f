// A serial port that stays open: it is opened again after the device was unplugged or was not there.
import { close, readSync, writeSync } from 'node:fs'
import type { Clock, Timer } from '../clock.ts'
import { type DeviceCalls, loadDeviceCalls } from '../device-calls.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Registration } from '../scope.ts'
import { openPort } from './open-port.ts'

/** Seconds between two attempts to open the port. */
const RETRY_SECONDS = 2
/** The kernel's own buffer is no larger. */
const READ_BYTES = 4096
/** Bytes that wait for a device that reads slowly. */
const MAX_OUTPUT = 256 * 1024

/** What a port is and who receives its data. The listeners must not throw. */
export interface SerialPortOptions {
  readonly path: string
  readonly baud: number
  readonly clock: Clock
  readonly log: Log
  /** `bytes` are valid only during the call. */
  readonly onData: (bytes: Buffer) => void
  readonly onOpen?: () => void
  /** The device is gone; not called after `stop`. */
  readonly onLost?: () => void
}

/** An open port. */
interface OpenPort {
  readonly file: number
  watch: Registration
  isWatchedForOutput: boolean
}

export class SerialPort {
  readonly #options: SerialPortOptions
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #calls: DeviceCalls | null = null
  #port: OpenPort | null = null
  #retry: Timer | null = null
  /** What was logged last; the same again is not. */
  #problem = ''
  #isStopped = false
  /** What is to be written, the oldest first. */
  #output: Buffer[] = []
  #outputBytes = 0

  constructor(options: SerialPortOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#port !== null
  }

  /**
   * Opens the port, and tries again every 2 s until it succeeds. Resolves after the first attempt. Rejects with Error
   * if this machine has no access to serial ports.
   */
  async start(): Promise<void> {
    this.#calls = await loadDeviceCalls('serial ports')
    if (!this.#isStopped) this.#open(this.#calls)
  }

  /** Closes the port; what still waits to be written is dropped. */
  stop(): void {
    this.#isStopped = true
    this.#retry?.stop()
    this.#close()
  }

  /** Writes after all that was written before. Throws Error if the port is not open or the device does not read. */
  write(data: string | Buffer): void {
    const { path } = this.#options
    if (this.#port === null) throw new Error(this.#problem === '' ? `${path} is not open` : this.#problem)
    const bytes = Buffer.from(data)
    if (this.#outputBytes + bytes.length > MAX_OUTPUT) throw new Error(`the device at ${path} does not read`)
    this.#output.push(bytes)
    this.#outputBytes += bytes.length
    this.#writeOutput(this.#port)
  }

  #open(calls: DeviceCalls): void {
    const { path, baud, onOpen } = this.#options
    try {
      const file = openPort(calls, path, baud)
      const watch = calls.watch(file, { writable: false }, () => this.#ready(file))
      this.#port = { file, watch, isWatchedForOutput: false }
    } catch (error) {
      this.#report(messageOf(error))
      this.#openLater(calls)
      return
    }
    this.#problem = ''
    onOpen?.()
  }

  #openLater(calls: DeviceCalls): void {
    this.#retry = this.#options.clock.after(RETRY_SECONDS, () => this.#open(calls))
  }

  #report(problem: string): void {
    if (problem !== this.#problem) this.#options.log.warning(`${problem}; retrying every ${RETRY_SECONDS} s`)
    this.#problem = problem
  }

  /** There is input, output is accepted, or the device is gone. */
  #ready(file: number): void {
    const port = this.#port
    if (port?.file !== file) return
    if (port.isWatchedForOutput) this.#writeOutput(port)
    if (this.#port === port) this.#read(port)
  }

  #read(port: OpenPort): void {
    try {
      const length = readSync(port.file, this.#buffer)
      if (length > 0) this.#options.onData(this.#buffer.subarray(0, length))
      else this.#lose('the device was removed')
    } catch (error) {
      if (!mustWait(error)) this.#lose(messageOf(error))
    }
  }

  #writeOutput(port: OpenPort): void {
    try {
      for (let [first] = this.#output; first !== undefined; [first] = this.#output) {
        const length = writeSync(port.file, first)
        this.#outputBytes -= length
        if (length === first.length) this.#output.shift()
        else this.#output[0] = first.subarray(length)
      }
      this.#watchOutput(port, false)
    } catch (error) {
      if (mustWait(error)) this.#watchOutput(port, true)
      else this.#lose(messageOf(error))
    }
  }

  #watchOutput(port: OpenPort, writable: boolean): void {
    if (port.isWatchedForOutput === writable || this.#calls === null) return
    port.watch.remove()
    port.watch = this.#calls.watch(port.file, { writable }, () => this.#ready(port.file))
    port.isWatchedForOutput = writable
  }

  #lose(reason: string): void {
    const { path, onLost } = this.#options
    this.#close()
    this.#report(`${path} was closed: ${reason}`)
    if (this.#calls !== null) this.#openLater(this.#calls)
    onLost?.()
  }

  #close(): void {
    this.#port?.watch.remove()
    // On another thread, because the kernel may wait for a device that does not read.
    if (this.#port !== null) close(this.#port.file)
    this.#port = null
    this.#output = []
    this.#outputBytes = 0
  }
}

function mustWait(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}
