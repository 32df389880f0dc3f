// The events of all printers, as the engine keeps them.
import { DeliverPolicy } from '@nats-io/jetstream'
import { ApiError, messageOf } from '../../core/errors.ts'
import { EVENTS_STREAM, eventSchema, PRINTER_ID, readMessage, subjects } from '../contract/index.ts'
import type { Layout } from './store/layout.ts'

/** Milliseconds in which the engine must deliver what it has. */
const TIMEOUT = 5000
/** Readings at the same time. */
const MAX_READERS = 20

/** Which events to read. */
export interface EventFilter {
  readonly after: number
  readonly printer?: string | undefined
  readonly limit: number
}

export class EventLog {
  readonly #layout: Layout
  #readers = 0

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** The events after a sequence number, in their order. Rejects with ApiError: 400 for an invalid id, 503. */
  async list(filter: EventFilter) {
    if (filter.printer !== undefined && !PRINTER_ID.test(filter.printer))
      throw new ApiError(400, 'printer: 32 hexadecimal digits')
    if (this.#readers >= MAX_READERS) throw new ApiError(503, 'Too many readers of events, try again later')
    this.#readers += 1
    try {
      return await this.#read(filter)
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw new ApiError(503, `The events cannot be read: ${messageOf(error)}`, { cause: error })
    } finally {
      this.#readers -= 1
    }
  }

  async #read({ after, printer, limit }: EventFilter) {
    const { jetstream, manager } = this.#layout
    const { state } = await manager.streams.info(EVENTS_STREAM.name)
    if (after >= state.last_seq) return { events: [], next: after, more: false }
    const consumer = await jetstream.consumers.get(EVENTS_STREAM.name, {
      filter_subjects: printer === undefined ? EVENTS_STREAM.subjects : subjects.events(printer),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
    })
    const { num_pending: pending } = await consumer.info()
    const count = Math.min(pending, limit)
    if (count === 0) return { events: [], next: state.last_seq, more: false }
    const events = []
    let next = after
    for await (const message of await consumer.fetch({ max_messages: count, expires: TIMEOUT })) {
      next = message.seq
      const reading = readMessage(eventSchema, message.data)
      if (reading.kind !== 'message') continue
      const { id, t, type, job, attempt, data } = reading.value
      events.push({
        seq: message.seq,
        printer: message.subject.slice(subjects.events('').length),
        id,
        t,
        type,
        job,
        attempt,
        data,
      })
    }
    void consumer.delete().catch(() => undefined)
    return { events, next, more: pending > count }
  }
}
