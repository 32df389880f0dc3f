// A strip whose controller is connected by a serial port, over which it takes the messages of WLED's JSON API.
import type { Core } from '../../component/component.ts'
import { withTimeout } from '../../core/clock.ts'
import { ByteLines } from '../../core/serial-port/byte-lines.ts'
import { SerialPort } from '../../core/serial-port/serial-port.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { StripDevice, StripState } from './strip-device.ts'

/** Seconds that the controller has for a reply. */
const REPLY_SECONDS = 2
/** Bytes of a reply; state and description have about 3 KiB. */
const MAX_REPLY = 64 * 1024

/** Where the controller is. */
export interface SerialDeviceOptions {
  readonly serial: string
  readonly baud: number
}

export class SerialDevice implements StripDevice {
  readonly #core: Core
  readonly #port: SerialPort
  #opening: Promise<void> | null = null
  /** Receives the state for which `read` waits. */
  #onState: (state: StripState) => void = () => {}
  #hasReplied = false

  /** The port is opened for the first message. `signal` closes it. */
  constructor(core: Core, { serial, baud }: SerialDeviceOptions, signal: AbortSignal) {
    const lines = new ByteLines(MAX_REPLY, line => this.#receive(line))
    this.#core = core
    this.#port = new SerialPort({
      path: serial,
      baud,
      clock: core.clock,
      log: core.log,
      onOpen: () => lines.clear(),
      onData: bytes => lines.push(bytes),
    })
    signal.addEventListener('abort', () => this.#port.stop(), { once: true })
  }

  async send(message: Readonly<Record<string, unknown>>): Promise<void> {
    if (message.v === true) await this.read()
    else await this.#write(message)
  }

  /** Null if the controller never replies: many strips are connected by the line to the controller only. */
  async read(): Promise<StripState | null> {
    const { promise, resolve } = Promise.withResolvers<StripState>()
    this.#onState = resolve
    await this.#write({ v: true })
    try {
      return await withTimeout(this.#core.clock, REPLY_SECONDS, promise, () => new Error('does not reply'))
    } catch (error) {
      if (this.#hasReplied) throw error
      return null
    }
  }

  async #write(message: Readonly<Record<string, unknown>>): Promise<void> {
    this.#opening ??= this.#port.start()
    await this.#opening
    this.#port.write(JSON.stringify(message))
  }

  /** The controller also writes other lines, for instance when it starts. */
  #receive(line: Buffer): void {
    const state = stateOf(line.toString())
    if (state === null) return
    this.#hasReplied = true
    this.#onState(state)
  }
}

function stateOf(text: string): StripState | null {
  if (!text.startsWith('{')) return null
  try {
    const { state } = JSON.parse(text)
    return isPlainObject(state) ? state : null
  } catch {
    return null
  }
}
