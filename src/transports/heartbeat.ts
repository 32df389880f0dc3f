// Pings all WebSockets, so that a client whose machine has disappeared is noticed. Some clients disconnect when no ping
// arrives within 30 s.
import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../core/clock.ts'
import { kernelRandom } from '../core/kernel-random.ts'

/** Seconds between pings. */
const PING_SECONDS = 10
/** A client that leaves so many pings in a row unanswered is disconnected. */
const MAX_UNANSWERED = 6

export class Heartbeat {
  readonly #clock: Clock
  /** Unanswered pings of each client. */
  readonly #unanswered = new Map<WebSocket, number>()
  /** Of the last ping. A pong must repeat it: one that a client sends without being pinged proves nothing. */
  #payload = Buffer.alloc(0)
  #timer: Timer | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Pings `ws` until it is closed. */
  add(ws: WebSocket): void {
    this.#unanswered.set(ws, 0)
    this.#timer ??= this.#clock.every(PING_SECONDS, () => this.#ping())
    ws.on('pong', payload => {
      if (payload.equals(this.#payload)) this.#unanswered.set(ws, 0)
    })
    ws.once('close', () => this.#remove(ws))
  }

  #remove(ws: WebSocket): void {
    this.#unanswered.delete(ws)
    if (this.#unanswered.size > 0) return
    this.#timer?.stop()
    this.#timer = null
  }

  #ping(): void {
    this.#payload = kernelRandom(8)
    for (const [ws, count] of this.#unanswered) {
      if (count >= MAX_UNANSWERED) ws.terminate()
      else {
        this.#unanswered.set(ws, count + 1)
        ws.ping(this.#payload)
      }
    }
  }
}
