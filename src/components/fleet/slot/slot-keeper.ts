// Keeps the slot of this printer in step with what the printer does. It reads the slot by direct get before each step,
// and each step is a write that only the read revision allows.
import type { Core } from '../../../component/component.ts'
import type { Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import { firstSlot, nextSlot, type Slot, type SlotStep, type Stored } from '../../../fleet/contract/index.ts'
import { type Session, WrongRevision } from '../engine/session.ts'
import type { FleetEvents } from '../events.ts'
import type { Facts, HeldJob } from '../facts.ts'
import type { JobRunner } from '../job/job-runner.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Epoch } from './epoch.ts'
import type { Gates } from './gates.ts'
import { readSlot, writeSlot } from './slot-store.ts'

/** Seconds until a step is tried again that failed, such as one without a reply of the engine. */
const RETRY = 5
/** Seconds after a hint at which the slot is read again: in a cluster the first read may come from a copy that is behind. */
const LATER = [0.2, 2]
/** Lost races in a row after which the next try waits: a read may come from a copy of the engine that is behind. */
const MAX_CONFLICTS = 5

/** What the keeper works with. */
export interface SlotParts {
  readonly core: Core
  readonly id: string
  readonly facts: Facts
  readonly events: FleetEvents
  readonly outbox: Outbox
  readonly gates: Gates
  readonly epoch: Epoch
  readonly runner: JobRunner
}

export class SlotKeeper {
  readonly #parts: SlotParts
  #session: Session | null = null
  #isWanted = false
  #isRunning = false
  #conflicts = 0
  #retry: Timer | null = null
  #later: readonly Timer[] = []
  #revision = 0
  #problem: string | null = null

  constructor(parts: SlotParts) {
    this.#parts = parts
  }

  /** The newest revision that is known; 0 before the first. */
  get revision(): number {
    return this.#revision
  }

  /** Why the slot cannot be used; null if it can. */
  get problem(): string | null {
    return this.#problem
  }

  /** A connection is there, or has ended. */
  use(session: Session | null): void {
    this.#session = session
    this.#retry?.stop()
    for (const timer of this.#later) timer.stop()
    this.sync()
  }

  /** Another message about the slot was published, which the engine stores, or refuses. */
  hinted(): void {
    this.sync()
    for (const timer of this.#later) timer.stop()
    const { clock } = this.#parts.core
    this.#later = LATER.map(seconds => clock.after(seconds, () => this.sync()))
  }

  /** The slot or the printer may have changed: makes the steps that follow from it. */
  sync(): void {
    this.#isWanted = true
    if (this.#isRunning || this.#session === null) return
    this.#isRunning = true
    void this.#run().finally(() => {
      this.#isRunning = false
    })
  }

  async #run(): Promise<void> {
    for (let session = this.#session; this.#isWanted && session !== null; session = this.#session) {
      this.#isWanted = false
      try {
        await this.#step(session)
        this.#conflicts = 0
      } catch (error) {
        this.#failed(session, error)
      }
    }
  }

  #failed(session: Session, error: unknown): void {
    if (this.#session !== session) return
    if (error instanceof WrongRevision && this.#conflicts < MAX_CONFLICTS) {
      this.#conflicts += 1
      this.#isWanted = true
      return
    }
    const { clock, log } = this.#parts.core
    if (!(error instanceof WrongRevision)) log.warning(`the slot is tried again: ${messageOf(error)}`)
    this.#retry?.stop()
    this.#retry = clock.after(RETRY, () => this.sync())
  }

  async #step(session: Session): Promise<void> {
    const reading = await readSlot(session, this.#parts.id)
    if (reading.kind === 'newer') {
      this.#report(`the slot has version ${reading.v} of the contract: update this server`)
    } else if (reading.kind === 'invalid') this.#report(`the slot is not readable: ${reading.problem}`)
    else {
      this.#problem = null
      this.#revision = reading.revision
      const stored = reading.kind === 'slot' ? reading : null
      this.#parts.epoch.named(stored?.value.state === 'offered' ? stored.value.epoch : null)
      const { held } = this.#parts.facts
      if (held !== null) await this.#withJob(session, stored, held)
      else if (stored === null) await this.#create(session, reading.revision)
      else await this.#withoutJob(session, stored)
    }
  }

  #report(problem: string): void {
    if (this.#problem !== problem) this.#parts.core.log.warning(problem)
    this.#problem = problem
  }

  async #create(session: Session, revision: number): Promise<void> {
    const write = firstSlot(this.#parts.gates.readiness, revision)
    this.#revision = await writeSlot(session, this.#parts.id, write)
  }

  /** Writes the next value, if the slot is in a state with this step. */
  async #write(session: Session, stored: Stored<Slot>, step: SlotStep): Promise<void> {
    const write = nextSlot(stored, step)
    if (write !== null) this.#revision = await writeSlot(session, this.#parts.id, write)
  }

  async #withoutJob(session: Session, stored: Stored<Slot>): Promise<void> {
    const { gates, runner } = this.#parts
    const { state } = stored.value
    if (state === 'offered') await this.#consider(session, stored)
    else if (state === 'accepted' || state === 'printing' || state === 'finished') {
      // The database knows nothing of it: it is older than the slot.
      if (await runner.adopt(stored)) this.#isWanted = true
    } else if (differs(stored.value, gates.readiness)) {
      await this.#write(session, stored, { do: 'idle', ready: gates.readiness })
    }
  }

  get #isPlateClear(): boolean {
    return this.#parts.gates.readiness.plate === 'clear'
  }

  /** Accepts or refuses an offer. That it may be accepted is durable before it is. */
  async #consider(session: Session, stored: Stored<Slot>): Promise<void> {
    const { facts, gates, epoch } = this.#parts
    const { value: slot, revision: fence } = stored
    const { job, attempt, file, url } = slot
    const isComplete = job !== null && file !== null && url !== null
    const why = isComplete ? await gates.refusal(fence, slot.epoch) : 'incomplete'
    if (why !== null || !isComplete) {
      const ready = gates.readiness
      await this.#write(session, stored, { do: 'refuse', why: why ?? 'incomplete', ready })
      return
    }
    const held: HeldJob = {
      job,
      attempt,
      fence,
      file,
      url,
      phase: 'accepting',
      path: null,
      before: null,
      end: null,
      isAbandoned: false,
    }
    await facts.write({ held, fence: { epoch: epoch.accepted, last: fence } })
    await this.#accept(session, stored, held)
  }

  async #accept(session: Session, stored: Stored<Slot>, held: HeldJob): Promise<void> {
    await this.#write(session, stored, { do: 'accept' })
    await this.#accepted(held)
  }

  async #accepted(held: HeldJob): Promise<void> {
    const { facts, events } = this.#parts
    await facts.change(held, { phase: 'accepted' }, [events.make('job.accepted', held)])
    this.#isWanted = true
  }

  async #withJob(session: Session, stored: Stored<Slot> | null, held: HeldJob): Promise<void> {
    if (stored === null || !isOf(stored, held)) return this.#lost(held)
    const { state } = stored.value
    if (isOlder(held, state)) {
      if (await this.#parts.runner.adopt(stored)) this.#isWanted = true
    } else if (held.phase === 'accepting') {
      if (state === 'offered') await this.#accept(session, stored, held)
      else await this.#accepted(held)
    } else if (held.phase === 'accepted') this.#parts.runner.advance(held)
    else if (held.phase === 'printing') await this.#write(session, stored, { do: 'print' })
    else if (held.phase === 'ended') await this.#end(session, stored, held)
  }

  /** The slot was moved on: nothing is started; what prints is finished. */
  async #lost(held: HeldJob): Promise<void> {
    const { facts, events, runner } = this.#parts
    if (held.phase === 'accepting') await facts.write({ held: null })
    else if (held.phase === 'accepted') {
      if (!runner.cancel('the fleet has withdrawn the job')) return
      await facts.write({ held: null }, [events.make('job.abandoned', held)])
    } else if (held.phase === 'ended') await facts.write({ held: null })
    else {
      if (!held.isAbandoned) await facts.change(held, { isAbandoned: true })
      return
    }
    this.#isWanted = true
  }

  async #end(session: Session, stored: Stored<Slot>, held: HeldJob): Promise<void> {
    const { facts, gates, outbox } = this.#parts
    const { outcome, why, started } = held.end ?? { outcome: 'failed', why: null, started: true }
    const ready = gates.readiness
    if (!started) await this.#write(session, stored, { do: 'release', outcome, why, ready })
    else if (stored.value.state !== 'finished') {
      await this.#write(session, stored, { do: 'finish', outcome, why })
      this.#isWanted = true
      return
    } else {
      // A hub that sees the slot free must know how the job ended.
      if (!this.#isPlateClear || outbox.hasEventsOf(held.job)) return
      await this.#write(session, stored, { do: 'idle', ready })
    }
    await facts.write({ held: null })
    this.#isWanted = true
  }
}

/** Whether the slot is about this job: by the fence, which an offer has as its own revision. */
function isOf({ value, revision }: Stored<Slot>, held: HeldJob): boolean {
  return value.job === held.job && value.attempt === held.attempt && (value.fence ?? revision) === held.fence
}

/** Whether the slot knows of a start that the database does not know: it was restored. */
function isOlder({ phase }: HeldJob, state: Slot['state']): boolean {
  return (phase === 'accepting' || phase === 'accepted') && (state === 'printing' || state === 'finished')
}

/** Whether an idle slot is not what the printer is. */
function differs(slot: Slot, { plate, epoch, blocked }: Gates['readiness']): boolean {
  return slot.plate !== plate || slot.epoch !== epoch || slot.why !== blocked
}
