// Follows a bucket: all present values, then every change, and all of them again after the connection was interrupted.
import {
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  type PushConsumer,
} from '@nats-io/jetstream'
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Schema } from '../../../schema/index.ts'
import { type BucketName, HEADERS, type Reading, readMessage } from '../../contract/index.ts'

/** Seconds until a feed that could not start is started again. */
const RETRY_SECONDS = 1
/** Checks in a row that fail before a feed starts again. */
const FAILED_CHECKS = 2

/** One value that was written or deleted. */
export interface Change<T> {
  readonly key: string
  readonly revision: number
  /** When the engine stored it, in milliseconds of its clock, UTC. */
  readonly at: number
  /** Whether it is one of the values that were there when the feed started. */
  readonly isPresent: boolean
  /** Null for a deleted value. */
  readonly reading: Reading<T> | null
}

/** What a feed needs, and to whom it reports. */
export interface FeedOptions<T> {
  readonly bucket: BucketName
  readonly schema: Schema<T>
  readonly jetstream: JetStreamClient
  readonly clock: Clock
  readonly log: Log
  /** All present values follow; those that do not come again no longer exist. */
  readonly onStart: () => void
  readonly onChange: (change: Change<T>) => void
  /** The present values were all reported. */
  readonly onLoaded: () => void
}

export class Feed<T> {
  readonly #options: FeedOptions<T>
  readonly #prefix: string
  #consumer: PushConsumer | null = null
  #messages: ConsumerMessages | null = null
  /** Checks in a row that have failed. */
  #failedChecks = 0
  #retry: Timer | null = null
  /** Increases with each start: what an earlier one still delivers is ignored. */
  #run = 0
  #stopped = false
  #loaded = false

  constructor(options: FeedOptions<T>) {
    this.#options = options
    this.#prefix = `$KV.${options.bucket}.`
  }

  /** Whether all values that were present at the last start have been reported. */
  get loaded(): boolean {
    return this.#loaded
  }

  /** Starts, or starts again, from the present values. Failures are logged, and tried again. */
  async start(): Promise<void> {
    const run = ++this.#run
    this.#loaded = false
    this.#retry?.stop()
    this.#messages?.stop()
    this.#messages = null
    const { bucket, clock, log } = this.#options
    try {
      await this.#consume(run)
    } catch (error) {
      if (this.#stopped || run !== this.#run) return
      log.warning(`${bucket} cannot be followed: ${messageOf(error)}`)
      this.#retry = clock.after(RETRY_SECONDS, () => void this.start())
    }
  }

  /**
   * Starts again where the engine has lost what feeds it, as a cluster does when one of its engines ends; the library notices
   * that after a minute only.
   */
  async check(): Promise<void> {
    const [consumer, run] = [this.#consumer, this.#run]
    if (consumer === null || !this.#loaded) return
    const isThere = await consumer.info().then(
      () => true,
      () => false,
    )
    if (this.#stopped || run !== this.#run) return
    this.#failedChecks = isThere ? 0 : this.#failedChecks + 1
    if (this.#failedChecks < FAILED_CHECKS) return
    this.#failedChecks = 0
    this.#options.log.info(`${this.#options.bucket} is read again: the engine has lost its consumer`)
    await this.start()
  }

  async #consume(run: number): Promise<void> {
    const { bucket, jetstream, onStart } = this.#options
    const consumer = await jetstream.consumers.getPushConsumer(`KV_${bucket}`, {
      filter_subjects: `${this.#prefix}>`,
      deliver_policy: DeliverPolicy.LastPerSubject,
    })
    const { num_pending: present } = await consumer.info(true)
    if (this.#stopped || run !== this.#run) return
    onStart()
    let left = present
    if (left === 0) this.#load()
    const messages = await consumer.consume({
      callback: message => {
        if (run !== this.#run) return
        this.#take(message, left > 0)
        left -= 1
        if (left === 0) this.#load()
      },
    })
    this.#messages = messages
    this.#consumer = consumer
    if (this.#stopped || run !== this.#run) return messages.stop()
    // It ends by itself when its stream was deleted.
    void messages.closed().then(() => {
      if (!this.#stopped && run === this.#run) void this.start()
    })
  }

  #load(): void {
    this.#loaded = true
    this.#options.onLoaded()
  }

  #take(message: JsMsg, isPresent: boolean): void {
    const { bucket, schema, log, onChange } = this.#options
    const { subject, data, info } = message
    const operation = message.headers?.get(HEADERS.operation) ?? ''
    const reading = operation === '' ? readMessage(schema, data) : null
    const key = subject.slice(this.#prefix.length)
    if (reading?.kind === 'invalid') log.debug(`${bucket} ${key}: ${reading.problem}`)
    try {
      onChange({ key, revision: info.streamSequence, at: info.timestampNanos / 1e6, isPresent, reading })
    } catch (error) {
      log.error(`a change of ${bucket} could not be handled`, error)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#retry?.stop()
    this.#messages?.stop()
  }
}
