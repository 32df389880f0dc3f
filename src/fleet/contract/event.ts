// Events of a printer. They arrive in order and at least once; `id` shows repetitions.
import { type Infer, int, json, object, record, string } from '../../schema/index.ts'
import { ulidField } from './message.ts'

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
 * `data` of `job.finished` and `job.failed`. A job that ends without `started` printed nothing, and may be offered
 * again.
 */
export const jobEndSchema = object({
  status: string().describe('As in the history: completed, cancelled, error, …; not_started without a print'),
  started: json(),
  why: string().nullable().default(null),
})
