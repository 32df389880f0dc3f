// A simulated printer of a fleet: a real connection with a credential of its own, in the engine's plain protocol, which
// costs less than a client library. It writes its state; it takes no jobs.
import { type KeyObject, sign } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { messageOf, type PrinterState, subjects } from '../src/fleet/contract/index.ts'

const END = '\r\n'

/** The id of a simulated printer. */
export function simulatedId(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** The id of a real server in the same fleet. */
export function realId(number: number): string {
  return `f${number.toString(16).padStart(31, '0')}`
}

export function isReal(id: string): boolean {
  return id.startsWith('f')
}

/** What a simulated printer is. */
export interface SimulatedPrinterParts {
  readonly id: string
  readonly port: number
  /** Its credential, and the key to it. */
  readonly jwt: string
  readonly privateKey: KeyObject
  /** The id of the engine's data. */
  readonly epoch: string
  readonly printing: boolean
  /** An open connection ends without a request. */
  readonly onLost: () => void
}

export class FleetPrinter {
  readonly id: string
  readonly #parts: SimulatedPrinterParts
  #socket: Socket | null = null
  #progress = 0
  /** The number of the newest state that it wrote. */
  seq = 0

  constructor(parts: SimulatedPrinterParts) {
    this.id = parts.id
    this.#parts = parts
  }

  /** Connects with the credential, and subscribes to commands, broadcasts and the slot. Rejects where the engine refuses. */
  async connect(): Promise<void> {
    const { port, onLost } = this.#parts
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const ready = Promise.withResolvers<void>()
    let rest = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const lines = (rest + text).split(END)
      rest = lines.pop() ?? ''
      for (const line of lines) this.#receive(socket, line, ready)
    })
    socket.on('error', ready.reject)
    socket.on('close', () => {
      ready.reject(new Error('the engine closed the connection'))
      if (this.#socket === socket) onLost()
    })
    await ready.promise
    this.#socket = socket
  }

  #receive(socket: Socket, line: string, ready: PromiseWithResolvers<void>): void {
    if (line === 'PING') socket.write(`PONG${END}`)
    else if (line === 'PONG') ready.resolve()
    else if (line.startsWith('-ERR')) ready.reject(new Error(line))
    else if (line.startsWith('INFO ') && this.#socket === null) socket.write(this.#handshake(line.slice(5)))
  }

  #handshake(info: string): string {
    const { id } = this
    const { jwt, privateKey } = this.#parts
    const { nonce } = JSON.parse(info) as { nonce: string }
    // Node's own signature: that of the library takes milliseconds.
    const sig = sign(null, Buffer.from(nonce), privateKey).toString('base64url')
    const options = {
      jwt,
      sig,
      verbose: false,
      pedantic: false,
      headers: true,
      no_responders: true,
      lang: 'bench',
    }
    const followed = [subjects.commands(id), subjects.all, subjects.key('fleet_slots', id)]
    const subscriptions = followed.map((subject, index) => `SUB ${subject} ${index + 1}`)
    return [`CONNECT ${JSON.stringify(options)}`, ...subscriptions, 'PING', ''].join(END)
  }

  /** Writes its newest state. */
  write(): void {
    this.seq += 1
    const payload = messageOf(this.#state())
    const subject = subjects.key('fleet_state', this.id)
    this.#socket?.write(`PUB ${subject} ${payload.length}${END}${payload}${END}`)
  }

  #state(): PrinterState {
    const { epoch, printing } = this.#parts
    this.#progress = (this.#progress + 0.001) % 1
    return {
      boot: 'b7f3c1d2',
      seq: this.seq,
      t: Date.now(),
      et: 12345.67 + this.seq,
      next_s: 30,
      link: 'open',
      klippy: 'ready',
      sw: '0.3.0',
      api: '1.5.0',
      caps: ['dispatch', 'live'],
      epoch,
      plate: printing ? 'occupied' : 'clear',
      slot_rev: 412,
      job: printing
        ? {
            id: null,
            file: 'part.gcode',
            state: 'printing',
            progress: Number(this.#progress.toFixed(3)),
            print_s: this.seq,
            left_s: 1920,
            layer: 41,
            layers: 99,
          }
        : null,
      temp: { extruder: [214.9, 215], heater_bed: [60, 60] },
      err: null,
      off: false,
      labels: {},
      nozzle: 0.4,
      size: null,
    }
  }

  close(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
  }
}
