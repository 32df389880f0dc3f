// One bucket of the engine: values of one schema, read directly, written by compare-and-set, followed.
import { JetStreamApiError } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import { ApiError, messageOf as errorText } from '../../../core/errors.ts'
import type { Schema } from '../../../schema/index.ts'
import { messageOf, readMessage, type Stored, WRONG_REVISION, type Write } from '../../contract/index.ts'

/** Milliseconds that the engine has for one write. */
const TIMEOUT = 5000

/** What the engine accepts as a key: one or more parts with dots between them. */
const KEY = /^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$/

/** Counts what happens at all buckets, for the metrics. */
export interface WriteCounts {
  /** Writes that the engine refused because another had changed the value before. */
  conflicts: number
}

export class Bucket<T> {
  readonly kv: KV
  readonly schema: Schema<T>
  readonly #counts: WriteCounts

  constructor(kv: KV, schema: Schema<T>, counts: WriteCounts) {
    this.kv = kv
    this.schema = schema
    this.#counts = counts
  }

  /**
   * The newest value; null for a key without a value, or with one that this version cannot read. A key that the engine
   * does not accept, such as an id that a client invented, has no value. Rejects with ApiError 503.
   */
  async read(key: string): Promise<Stored<T> | null> {
    if (!KEY.test(key)) return null
    const entry = await this.kv.get(key).catch(unavailable)
    if (entry === null || entry.operation !== 'PUT') return null
    const reading = readMessage(this.schema, entry.value)
    return reading.kind === 'message' ? { value: reading.value, revision: entry.revision } : null
  }

  /**
   * Writes a value in the place of the expected revision; resolves with the new revision, or with null if the value has
   * another revision. Rejects with ApiError 503 if the engine does not answer: then the write may have happened or not.
   */
  async write(key: string, { value, expected }: Write<T & object>): Promise<number | null> {
    try {
      const payload = messageOf(value)
      // A deleted value has a revision too: `create` knows that.
      if (expected === 0) return await this.kv.create(key, payload)
      return await this.kv.update(key, payload, expected, TIMEOUT)
    } catch (error) {
      if (!isConflict(error)) return unavailable(error)
      this.#counts.conflicts += 1
      return null
    }
  }

  /** Writes a value whatever is stored. Rejects with ApiError 503. */
  async put(key: string, value: T & object): Promise<number> {
    return this.kv.put(key, messageOf(value)).catch(unavailable)
  }

  /** Deletes a value, with all earlier ones, if it has the revision; resolves with whether it had. Rejects with ApiError 503. */
  async take(key: string, revision: number): Promise<boolean> {
    try {
      await this.kv.purge(key, { previousSeq: revision })
      return true
    } catch (error) {
      return isConflict(error) ? false : unavailable(error)
    }
  }

  /** Deletes a value with all earlier ones. Rejects with ApiError 503. */
  async purge(key: string): Promise<void> {
    await this.kv.purge(key).catch(unavailable)
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_REVISION
}

function unavailable(cause: unknown): never {
  throw new ApiError(503, `The engine of the fleet does not answer: ${errorText(cause)}`, { cause })
}
