// Reads and writes the slot of this printer in the engine: always by direct get, and by revision only.
import {
  HEADERS,
  messageOf,
  readMessage,
  type Slot,
  type Stored,
  slotSchema,
  subjects,
  type Write,
} from '../../../fleet/contract/index.ts'
import type { Session } from '../engine/session.ts'

/** The slot as read. `none` has the revision of the mark that it was deleted, 0 if there was never one. */
export type SlotReading =
  | { readonly kind: 'none'; readonly revision: number }
  | { readonly kind: 'newer'; readonly v: number }
  | { readonly kind: 'invalid'; readonly problem: string }
  | ({ readonly kind: 'slot' } & Stored<Slot>)

/** The status of a direct get that found nothing. */
const NOT_FOUND = 404

/** Reads the slot. Rejects with an error of the library. */
export async function readSlot(session: Session, id: string): Promise<SlotReading> {
  const { data, headers } = await session.get(subjects.directGet('fleet_slots', id))
  if (headers?.code === NOT_FOUND) return { kind: 'none', revision: 0 }
  const revision = Number(headers?.get(HEADERS.revision) ?? 0)
  if (headers?.has(HEADERS.operation)) return { kind: 'none', revision }
  const reading = readMessage(slotSchema, data)
  return reading.kind === 'message' ? { kind: 'slot', value: reading.value, revision } : reading
}

/** Writes the slot; resolves with its revision. Rejects with WrongRevision, or with an error of the library. */
export function writeSlot(session: Session, id: string, { value, expected }: Write<Slot>): Promise<number> {
  return session.store(subjects.key('fleet_slots', id), messageOf(value), {
    [HEADERS.expectedRevision]: String(expected),
  })
}
