// A job of the fleet: one copy to print. Only hubs write it, by revision only.
import { FLEET_JOB_STATES, fleetNeed } from '../../api/fleet.ts'
import { bool, choice, type Infer, int, list, object, string } from '../../schema/index.ts'
import { printerId, ulidField } from './message.ts'
import { fileSchema } from './slot.ts'
import type { Stored, Write } from './stored.ts'

export type JobState = (typeof FLEET_JOB_STATES)[number]

export const needSchema = object({
  ...fleetNeed,
  printer: printerId().nullable().describe('Only this printer').default(null),
})

export type Need = Infer<typeof needSchema>

const extraCopySchema = object({ printer: printerId(), attempt: int({ min: 1 }) })

/** A copy of a printer that a person had given up on. */
export type ExtraCopy = Infer<typeof extraCopySchema>

/** Extra copies that a job lists; each needs a person who gave up on a printer. */
const MAX_EXTRA = 20

export const jobSchema = object({
  state: choice(...FLEET_JOB_STATES),
  file: fileSchema,
  need: needSchema,
  priority: int().describe('Higher ones first').default(0),
  not_before: int().nullable().describe('UTC').unit('ms').default(null),
  batch: ulidField().nullable().describe('The order that it is a copy of').default(null),
  attempt: int({ min: 0 }).describe('Offers so far').default(0),
  printer: printerId().nullable().describe('Which it was offered to last').default(null),
  by: string().describe('User').nullable().default(null),
  why: string().nullable().describe('Why it failed or is held').default(null),
  changed: int().describe('When it entered its state, UTC').unit('ms'),
  /** A cancellation that the printer has not carried out yet. */
  cancelling: bool().default(false),
  extra: list(extraCopySchema).default([]),
})

export type Job = Infer<typeof jobSchema>

/** One step of a job. */
export type JobStep =
  | { readonly do: 'offer'; readonly printer: string }
  /** The offer ended without a print: refused, withdrawn or not started. */
  | { readonly do: 'requeue' }
  | { readonly do: 'accept' }
  | { readonly do: 'print' }
  | { readonly do: 'end'; readonly state: 'done' | 'failed' | 'cancelled'; readonly why: string | null }
  | { readonly do: 'hold'; readonly why: string }
  /** A person lets a held job be offered again. */
  | { readonly do: 'release' }
  /** A person cancels what no printer has; a printer that has it receives a command first. */
  | { readonly do: 'cancel' }
  | { readonly do: 'request_cancel' }
  /** A printer that was given up on has printed the job after all. */
  | { readonly do: 'extra'; readonly copy: ExtraCopy }

const FROM: Readonly<Record<JobStep['do'], readonly JobState[]>> = {
  offer: ['queued'],
  requeue: ['offered', 'accepted'],
  accept: ['offered'],
  print: ['offered', 'accepted'],
  end: ['offered', 'accepted', 'printing', 'held'],
  hold: ['queued', 'offered', 'accepted', 'printing', 'failed'],
  release: ['held'],
  cancel: ['queued', 'held'],
  request_cancel: ['offered', 'accepted', 'printing'],
  extra: FLEET_JOB_STATES,
}

/** The write that makes a step; null if the job is in a state without this step. `now` in milliseconds, UTC. */
export function nextJob(
  { value: job, revision }: Stored<Job>,
  step: JobStep,
  now: number,
): Write<Job> | null {
  if (!FROM[step.do].includes(job.state)) return null
  const value = moved(job, step)
  return { value: value.state === job.state ? value : { ...value, changed: now }, expected: revision }
}

function moved(job: Job, step: JobStep): Job {
  switch (step.do) {
    case 'offer':
      return { ...job, state: 'offered', printer: step.printer, attempt: job.attempt + 1, why: null }
    case 'requeue':
      return job.cancelling
        ? { ...job, state: 'cancelled', cancelling: false }
        : { ...job, state: 'queued', printer: null }
    case 'accept':
      return { ...job, state: 'accepted' }
    case 'print':
      return { ...job, state: 'printing' }
    case 'end':
      return { ...job, state: step.state, why: step.why, cancelling: false }
    case 'hold':
      return { ...job, state: 'held', why: step.why }
    case 'release':
      return { ...job, state: 'queued', printer: null, why: null }
    case 'cancel':
      return { ...job, state: 'cancelled', why: null }
    case 'request_cancel':
      return { ...job, cancelling: true }
    case 'extra':
      return { ...job, extra: withCopy(job.extra, step.copy) }
  }
}

/** An event may come twice. */
function withCopy(copies: readonly ExtraCopy[], copy: ExtraCopy): ExtraCopy[] {
  const others = copies.filter(({ printer, attempt }) => printer !== copy.printer || attempt !== copy.attempt)
  return [...others, copy].slice(-MAX_EXTRA)
}

/** Whether an event or a slot is about this attempt of the job, on the printer that it was offered to. */
export function isAttemptOf(
  job: Pick<Job, 'printer' | 'attempt'>,
  printer: string,
  attempt: number | null,
): boolean {
  return job.printer === printer && job.attempt === attempt
}
