// Sends the events of the outbox in order, and removes what the engine has acknowledged.
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { HEADERS, subjects } from '../../../fleet/contract/index.ts'
import type { Session } from '../engine/session.ts'
import type { Outbox, OutboxRow } from './outbox.ts'

/** Events on their way at the same time. */
const MAX_IN_FLIGHT = 32
/** Seconds after which events are sent again that the engine did not store. */
const RETRY = 5

export class OutboxSender {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #log: Log
  readonly #subject: string
  #session: Session | null = null
  /** The last event that was sent on this connection. */
  #sent = 0
  #inFlight = 0
  /** The engine has stored an event on this connection. */
  #isStoring = false
  /** The engine did not store an event: no later one is sent before it. */
  #failed = false
  #reported = false
  #retry: Timer | null = null
  /** Called when the engine has stored an event. */
  onAcknowledged: () => void = () => {}

  constructor(outbox: Outbox, id: string, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#outbox = outbox
    this.#clock = clock
    this.#log = log
    this.#subject = subjects.events(id)
    outbox.onStored = () => this.#send()
  }

  /** A connection is there, or has ended: then what was on its way is sent again on the next one. */
  use(session: Session | null): void {
    this.#session = session
    this.#sent = 0
    this.#inFlight = 0
    this.#isStoring = false
    this.#failed = false
    this.#retry?.stop()
    this.#send()
  }

  #send(): void {
    const session = this.#session
    if (session === null || this.#failed) return
    for (const row of this.#outbox.after(this.#sent, this.#limitOf(session) - this.#inFlight)) {
      this.#sent = row.seq
      this.#inFlight += 1
      this.#sendRow(session, row).catch(error => this.#refused(session, error))
    }
  }

  /**
   * Where the stream may be missing for a moment, an event could be refused and the next one stored: before the first one is
   * stored, and in a cluster whenever it chooses another leader.
   */
  #limitOf({ isCluster }: Session): number {
    return this.#isStoring && !isCluster ? MAX_IN_FLIGHT : 1
  }

  async #sendRow(session: Session, { seq, id, payload }: OutboxRow): Promise<void> {
    await session.store(this.#subject, payload, { [HEADERS.messageId]: id })
    await this.#outbox.remove(seq)
    if (this.#session === session) {
      this.#inFlight -= 1
      this.#isStoring = true
    }
    this.#reported = false
    this.onAcknowledged()
    this.#continue(session)
  }

  #refused(session: Session, error: unknown): void {
    if (this.#session !== session) return
    this.#inFlight -= 1
    this.#failed = true
    if (!this.#reported) this.#log.warning(`the engine does not store events: ${messageOf(error)}`)
    this.#reported = true
    this.#continue(session)
  }

  /** After a failure all others on their way end first, so that the order stays. */
  #continue(session: Session): void {
    if (this.#session !== session) return
    if (!this.#failed) this.#send()
    if (!this.#failed || this.#inFlight > 0) return
    this.#retry?.stop()
    this.#retry = this.#clock.after(RETRY, () => this.use(this.#session))
  }
}
