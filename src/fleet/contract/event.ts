// Events of a printer. They arrive in order and at least once; `id` shows repetitions.
import { bool, choice, float, type Infer, int, json, object, record, string } from '../../schema/index.ts'
import { ulidField } from './message.ts'
import { OUTCOMES } from './slot.ts'

/** The types of events. Readers keep events of other types and book nothing for them. */
export const EVENT_TYPES = [
  'job.accepted',
  'job.started',
  'job.paused',
  'job.resumed',
  'job.finished',
  'job.failed',
  'job.abandoned',
  'plate.cleared',
  'klippy.state',
  'printer.power',
  'error',
  'command.done',
  'spool.used',
] as const

export type EventType = (typeof EVENT_TYPES)[number]

/** Whether the fleet must not lose the event, unlike telemetry. */
export function isJobEvent(type: string): boolean {
  return type.startsWith('job.')
}

export const eventSchema = object({
  id: ulidField(),
  t: int().describe('UTC').unit('ms'),
  boot: string(),
  type: string().describe(EVENT_TYPES.join(', ')),
  job: ulidField().nullable().describe('The job of the fleet').default(null),
  attempt: int().nullable().default(null),
  fence: int().nullable().describe('The revision of the slot that offered the job').default(null),
  data: record(json()).default({}),
})

export type FleetEvent = Infer<typeof eventSchema>

/**
 * `data` of the events with which a job ends: `job.finished` if it was printed to its end or cancelled, else
 * `job.failed`. A job without `started` printed nothing, and may be offered again.
 */
export const jobEndSchema = object({
  outcome: choice(...OUTCOMES),
  started: bool(),
  status: string().describe('As in the history of the printer').default(''),
  why: string().nullable().default(null),
  print_s: float().nullable().default(null),
  filament_mm: float().nullable().default(null),
  history_id: string().nullable().describe('In the history of the printer').default(null),
})

export type JobEnd = Infer<typeof jobEndSchema>
