// Delivers the messages of one notifier in their order, with retries. Notifiers do not wait for each other.
import { type Clock, sleep } from '../../core/clock.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { messageOf } from '../../core/errors.ts'
import { DeliveryError, type Message } from './message.ts'
import type { Send } from './sender.ts'

/** Seconds before each further attempt. */
const RETRY_AFTER = [2, 10, 60, 300]
/** Messages that wait for a service which does not reply. */
const MAX_QUEUED = 50

/** What a delivery needs. */
export interface DeliveryParts {
  readonly send: Send
  readonly clock: Clock
  readonly warn: (text: string) => void
}

export class Delivery {
  readonly #parts: DeliveryParts
  readonly #stopping = new AbortController()
  readonly #queue = new ConcurrencyLimit({ what: 'messages', maxRunning: 1, maxQueued: MAX_QUEUED })

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Delivers a message that `render` makes when all earlier ones are delivered or given up. Failures are warnings. */
  async add(message: Promise<Message>): Promise<void> {
    const { warn } = this.#parts
    try {
      await this.#queue.run(async () => this.#deliver(await message))
    } catch (error) {
      if (!this.#stopping.signal.aborted) warn(messageOf(error))
    }
  }

  /** Sends a message once, without the queue. Rejects with DeliveryError. */
  sendOnce(message: Message): Promise<void> {
    return this.#parts.send(message)
  }

  async #deliver(message: Message): Promise<void> {
    const { send, clock } = this.#parts
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await send(message)
      } catch (error) {
        const pause = RETRY_AFTER[attempt]
        if (!(error instanceof DeliveryError) || !error.isTemporary || pause === undefined) throw error
        await sleep(clock, pause, this.#stopping.signal)
      }
    }
  }

  stop(): void {
    this.#stopping.abort()
  }
}
