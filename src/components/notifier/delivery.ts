// Delivers the messages of one notifier in their order, with retries. Notifiers do not wait for each other.
import { type Clock, sleep } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { DeliveryError, type Message } from './message.ts'
import type { Send } from './sender.ts'

/** Seconds before each further attempt. */
const RETRY_AFTER = [2, 10, 60, 300]
/** Messages that wait for a service which does not reply. */
const MAX_WAITING = 50
/** Seconds for the messages that wait when the server stops. */
const STOP_SECONDS = 3

/** What a delivery needs. */
export interface DeliveryParts {
  readonly send: Send
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** A message that is not delivered yet. */
interface Waiting {
  readonly rendering: Promise<Message>
  /** Null until it is rendered. */
  message: Message | null
}

export class Delivery {
  readonly #parts: DeliveryParts
  readonly #stopping = new AbortController()
  /** The oldest first. */
  readonly #waiting = new Set<Waiting>()
  #work: Promise<void> | null = null

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Delivers a message when all earlier ones are delivered or given up. Failures are warnings. */
  add(rendering: Promise<Message>): void {
    const waiting: Waiting = { rendering, message: null }
    rendering.then(
      message => {
        waiting.message = message
      },
      () => {},
    )
    if (this.#stopping.signal.aborted) return
    if (this.#waiting.size > MAX_WAITING) {
      this.#parts.warn(`${MAX_WAITING} messages wait already`)
      return
    }
    this.#waiting.add(waiting)
    this.#work ??= this.#deliverAll()
  }

  /** Sends a message once, without the queue. Rejects with DeliveryError. */
  sendOnce(message: Message): Promise<void> {
    return this.#parts.send(message)
  }

  /** Sends what waits at once, within a limit of time. Resolves with the messages that are not delivered. */
  async stop(): Promise<Message[]> {
    this.#stopping.abort()
    await Promise.race([this.#work, sleep(this.#parts.clock, STOP_SECONDS)])
    return [...this.#waiting].map(({ message }) => message).filter(message => message !== null)
  }

  async #deliverAll(): Promise<void> {
    for (const waiting of this.#waiting) {
      try {
        await this.#deliver(await waiting.rendering)
      } catch (error) {
        // The service cannot be reached now: the later messages would fail too.
        if (this.#stopping.signal.aborted && isTemporary(error)) return
        this.#parts.warn(messageOf(error))
      }
      this.#waiting.delete(waiting)
    }
    this.#work = null
  }

  async #deliver(message: Message): Promise<void> {
    const { send, clock } = this.#parts
    for (let attempt = 0; ; attempt += 1) {
      const isLast = this.#stopping.signal.aborted
      try {
        return await send(message)
      } catch (error) {
        const pause = RETRY_AFTER[attempt]
        if (!isTemporary(error) || pause === undefined || isLast) throw error
        // A stop ends the pause: there is time for one more attempt.
        await sleep(clock, pause, this.#stopping.signal).catch(() => {})
      }
    }
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof DeliveryError && error.isTemporary
}
