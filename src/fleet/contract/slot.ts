// The slot of a printer: what it is offered or holds. Hub and printer write it, by revision only.
import { choice, type Infer, int, object, string } from '../../schema/index.ts'
import { sha256, ulidField } from './message.ts'
import type { Stored, Write } from './stored.ts'

/**
 * `free` takes offers; `blocked` does not, see `why`. The hub moves free → offered, and offered → free when it withdraws
 * the offer. All other steps are the printer's.
 */
export const SLOT_STATES = ['free', 'blocked', 'offered', 'accepted', 'printing', 'finished'] as const
export type SlotState = (typeof SLOT_STATES)[number]

/**
 * How an offer ended. After `refused`, `withdrawn` and `not_started` nothing was printed: the job may be offered again.
 * `abandoned`: a person moved the slot on without the printer.
 */
export const OUTCOMES = [
  'refused',
  'withdrawn',
  'not_started',
  'done',
  'failed',
  'cancelled',
  'abandoned',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Why a printer takes no offers: `why` of a blocked slot, and of a refusal. Readers show others as they are. */
export const BLOCK_REASONS = [
  /** `dispatch: False` in its configuration. */
  'dispatch_off',
  'maintenance',
  /** The engine has other data than the printer joined: an admin of the printer must confirm it. */
  'epoch',
  /** The offer is older than one that the printer had already. */
  'fence',
  /** Klipper is not ready. */
  'klippy',
  /** A print that was not started by the fleet, or that a person abandoned. */
  'local_print',
  'local_queue',
  /** No user has confirmed that the plate is clear. */
  'plate',
  'abandoned',
] as const
export type BlockReason = (typeof BLOCK_REASONS)[number]

/** The file of a job. */
export const fileSchema = object({
  sha256: sha256(),
  size: int({ min: 1 }).unit('B'),
  name: string().describe('Without a folder'),
})

export type JobFile = Infer<typeof fileSchema>

const endSchema = object({
  job: ulidField(),
  attempt: int({ min: 1 }),
  fence: int({ min: 1 }),
  outcome: choice(...OUTCOMES),
  why: string().nullable().default(null),
})

export type SlotEnd = Infer<typeof endSchema>

export const slotSchema = object({
  state: choice(...SLOT_STATES),
  plate: choice('clear', 'occupied'),
  why: string().nullable().describe('Why it is blocked').default(null),
  job: ulidField().nullable(),
  attempt: int({ min: 0 }),
  until: int().nullable().describe('When the hub withdraws the offer, UTC').unit('ms').default(null),
  epoch: string().nullable().describe("The id of the engine's data that the writer knows"),
  fence: int().nullable().describe('The revision of the offer, from accepted on').default(null),
  file: fileSchema.nullable().default(null),
  url: string().nullable().describe('Where the file is').default(null),
  last: endSchema.nullable().describe('The end of the last offer').default(null),
})

export type Slot = Infer<typeof slotSchema>

/** What the hub offers. */
export interface Offer {
  readonly job: string
  readonly attempt: number
  readonly file: JobFile
  readonly url: string
  /** UTC, milliseconds. */
  readonly until: number
  readonly epoch: string
}

/** What the printer knows about itself. */
export interface Readiness {
  readonly plate: Slot['plate']
  readonly epoch: string | null
  /** Why it takes no offers; null if it does. */
  readonly blocked: BlockReason | null
}

/** One step of a slot. */
export type SlotStep =
  | { readonly do: 'offer'; readonly offer: Offer }
  | { readonly do: 'withdraw' }
  /** A person moves the slot of an absent printer on. */
  | { readonly do: 'abandon'; readonly why: string }
  | { readonly do: 'accept' }
  | { readonly do: 'refuse'; readonly why: string; readonly ready: Readiness }
  | { readonly do: 'print' }
  /** The print ended, and the plate is occupied. */
  | { readonly do: 'finish'; readonly outcome: Outcome; readonly why: string | null }
  /** It ended without a print, or its plate is clear. */
  | {
      readonly do: 'release'
      readonly outcome: Outcome
      readonly why: string | null
      readonly ready: Readiness
    }
  /** Takes offers or not, without a job; also after `finished`, when the plate was cleared. */
  | { readonly do: 'idle'; readonly ready: Readiness }

/** The states in which each step may happen. */
const FROM: Readonly<Record<SlotStep['do'], readonly SlotState[]>> = {
  offer: ['free'],
  withdraw: ['offered'],
  abandon: ['accepted', 'printing', 'finished'],
  accept: ['offered'],
  refuse: ['offered'],
  print: ['accepted'],
  finish: ['accepted', 'printing'],
  release: ['accepted', 'printing'],
  idle: ['free', 'blocked', 'finished'],
}

/** The first write of a printer's slot. `revision` is that of the mark that an earlier slot was deleted. */
export function firstSlot(ready: Readiness, revision = 0): Write<Slot> {
  return { value: idleSlot(ready, null), expected: revision }
}

/** The write that makes a step; null if the slot is in a state without this step. */
export function nextSlot({ value: slot, revision }: Stored<Slot>, step: SlotStep): Write<Slot> | null {
  if (!FROM[step.do].includes(slot.state)) return null
  return { value: moved(slot, revision, step), expected: revision }
}

function moved(slot: Slot, revision: number, step: SlotStep): Slot {
  switch (step.do) {
    case 'offer':
      return { ...idleSlot({ ...slot, blocked: null }, slot.last), ...step.offer, state: 'offered' }
    case 'withdraw':
      return idleSlot({ ...slot, blocked: null }, endOf(slot, revision, 'withdrawn', null))
    case 'abandon':
      return idleSlot({ ...slot, blocked: 'abandoned' }, endOf(slot, revision, 'abandoned', step.why))
    case 'accept':
      return { ...slot, state: 'accepted', until: null, fence: revision }
    case 'refuse':
      return idleSlot(step.ready, endOf(slot, revision, 'refused', step.why))
    case 'print':
      return { ...slot, state: 'printing', plate: 'occupied' }
    case 'finish':
      return {
        ...slot,
        state: 'finished',
        plate: 'occupied',
        last: endOf(slot, revision, step.outcome, step.why),
      }
    case 'release':
      return idleSlot(step.ready, endOf(slot, revision, step.outcome, step.why))
    case 'idle':
      return idleSlot(step.ready, slot.last)
  }
}

function idleSlot({ plate, epoch, blocked }: Readiness, last: SlotEnd | null): Slot {
  return {
    state: blocked === null ? 'free' : 'blocked',
    plate,
    why: blocked,
    job: null,
    attempt: 0,
    until: null,
    epoch,
    fence: null,
    file: null,
    url: null,
    last,
  }
}

/** The end of what the slot holds. An offer has its own revision as its fence. */
function endOf(
  { job, attempt, fence }: Slot,
  revision: number,
  outcome: Outcome,
  why: string | null,
): SlotEnd {
  return { job: job ?? '', attempt, fence: fence ?? revision, outcome, why }
}
