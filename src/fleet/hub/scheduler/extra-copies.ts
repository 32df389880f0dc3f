// Copies that were printed after a person had given up on their printer: the printer reports its end with the old fence.
// The job lists them, so that a person finds one part more than was ordered; nothing else follows from them.
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { type Clock, sleep } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import {
  EVENTS_STREAM,
  eventSchema,
  type FleetEvent,
  isAttemptOf,
  readMessage,
  type Slot,
  subjects,
} from '../../contract/index.ts'
import type { BoardJob, JobBoard } from '../jobs/job-board.ts'
import type { Bucket } from '../store/bucket.ts'
import { EVENTS_CONSUMER, type Layout } from '../store/layout.ts'
import { knowsOf } from './bookings.ts'

/** Seconds until the events are followed again after a failure. */
const RETRY_SECONDS = 5
/** Tries of a booking where others change the job at the same time. */
const TRIES = 5

/** What the bookings need. */
export interface ExtraCopiesParts {
  readonly layout: Layout
  readonly board: JobBoard
  readonly slots: Bucket<Slot>
  readonly clock: Clock
  readonly log: Log
}

export class ExtraCopies {
  readonly #parts: ExtraCopiesParts
  readonly #stopping = new AbortController()
  #messages: ConsumerMessages | null = null

  constructor(parts: ExtraCopiesParts) {
    this.#parts = parts
  }

  /** Follows the events of all printers. The engine gives each event to one hub, again until that hub has booked it. */
  async start(): Promise<void> {
    const { layout, clock, log } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const consumer = await layout.jetstream.consumers.get(EVENTS_STREAM.name, EVENTS_CONSUMER)
        this.#messages = await consumer.consume()
        for await (const message of this.#messages) await this.#take(message)
      } catch (error) {
        if (!signal.aborted) log.debug(`the events are not followed: ${messageOf(error)}`)
      }
      await sleep(clock, RETRY_SECONDS, signal).catch(() => undefined)
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const reading = readMessage(eventSchema, message.data)
    const printer = message.subject.slice(subjects.events('').length)
    try {
      if (reading.kind === 'message') await this.#book(printer, reading.value)
      message.ack()
    } catch (error) {
      this.#parts.log.debug(`an event is booked later: ${messageOf(error)}`)
      message.nak(RETRY_SECONDS * 1000)
    }
  }

  /** Rejects with ApiError 503. */
  async #book(printer: string, { type, job: id, attempt, data }: FleetEvent): Promise<void> {
    if (type !== 'job.finished' || id === null || attempt === null || !isPrinted(data)) return
    const { board } = this.#parts
    for (let tries = 0; tries < TRIES; tries += 1) {
      const job = await board.read(id)
      if (job === null || (await this.#isExpected(job, printer, attempt))) return
      if ((await board.step(job, { do: 'extra', copy: { printer, attempt } })) !== null) return
    }
    throw new Error(`job ${id} changes all the time`)
  }

  /** Whether the slot of the printer books this end, or has booked it. */
  async #isExpected({ id, value }: BoardJob, printer: string, attempt: number): Promise<boolean> {
    if (!isAttemptOf(value, printer, attempt)) return false
    if (value.state === 'done') return true
    const slot = await this.#parts.slots.read(printer)
    return slot !== null && knowsOf(slot.value, id, attempt) && slot.value.last?.outcome !== 'abandoned'
  }

  stop(): void {
    this.#stopping.abort()
    this.#messages?.stop()
  }
}

/** Whether the end of a job is that of a complete print. */
function isPrinted(data: FleetEvent['data']): boolean {
  const { outcome, started } = data
  return outcome === 'done' && started === true
}
