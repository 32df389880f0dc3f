// All jobs of the fleet in memory, as the engine's bucket has them.
import { FLEET_JOB_STATES } from '../../../api/fleet.ts'
import { ApiError } from '../../../core/errors.ts'
import {
  FINISHED_JOB_SECONDS,
  type Job,
  type JobState,
  type JobStep,
  nextJob,
  type Stored,
} from '../../contract/index.ts'
import type { Bucket } from '../store/bucket.ts'
import type { Change } from '../store/feed.ts'

/** A job with its id. */
export interface BoardJob extends Stored<Job> {
  readonly id: string
}

/** Finished jobs that are kept at most; the oldest go first. */
const MAX_FINISHED = 20_000
const FINISHED: readonly JobState[] = ['done', 'failed', 'cancelled']
const UNFINISHED = FLEET_JOB_STATES.filter(state => !FINISHED.includes(state))
/** Tries of a step that a person wants, where others change the job at the same time. */
const TRIES = 5

export class JobBoard {
  readonly #bucket: Bucket<Job>
  readonly #jobs = new Map<string, BoardJob>()
  readonly #byState = new Map<JobState, Set<string>>()
  readonly #listeners = new Set<(job: BoardJob) => void>()
  #unseen = new Set<string>()

  constructor(bucket: Bucket<Job>) {
    this.#bucket = bucket
  }

  /** Calls `listener` after each change of a job. */
  onChange(listener: (job: BoardJob) => void): void {
    this.#listeners.add(listener)
  }

  get(id: string): BoardJob | undefined {
    return this.#jobs.get(id)
  }

  /** All jobs, in no order. */
  all(): Iterable<BoardJob> {
    return this.#jobs.values()
  }

  /** The jobs in a state, in no order. */
  in(state: JobState): BoardJob[] {
    return [...(this.#byState.get(state) ?? [])].flatMap(id => this.#jobs.get(id) ?? [])
  }

  /** How many jobs are in each state. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#byState].map(([state, ids]) => [state, ids.size]))
  }

  /** The files, by their SHA-256, of all jobs that have not ended. */
  files(): Set<string> {
    return new Set(UNFINISHED.flatMap(state => this.in(state).map(({ value }) => value.file.sha256)))
  }

  // What the feed reports.

  started(): void {
    this.#unseen = new Set(this.#jobs.keys())
  }

  changed({ key, revision, reading }: Change<Job>): void {
    this.#unseen.delete(key)
    const known = this.#jobs.get(key)
    if (known !== undefined && revision < known.revision) return
    if (reading === null) this.#drop(key)
    else if (reading.kind === 'message') this.#set({ id: key, value: reading.value, revision })
  }

  loaded(): void {
    for (const id of this.#unseen) this.#drop(id)
    this.#unseen.clear()
  }

  #set(job: BoardJob): void {
    const before = this.#jobs.get(job.id)
    if (before?.revision === job.revision) return
    if (before !== undefined) this.#byState.get(before.value.state)?.delete(job.id)
    this.#jobs.set(job.id, job)
    const { state } = job.value
    const ids = this.#byState.get(state) ?? new Set()
    this.#byState.set(state, ids.add(job.id))
    for (const listener of this.#listeners) listener(job)
  }

  #drop(id: string): void {
    const before = this.#jobs.get(id)
    if (before === undefined) return
    this.#byState.get(before.value.state)?.delete(id)
    this.#jobs.delete(id)
  }

  // Writes. Each resolves only when the engine has stored it.

  /** Adds a new job. Rejects with ApiError 503. */
  async add(id: string, value: Job): Promise<void> {
    const revision = await this.#bucket.write(id, { value, expected: 0 })
    if (revision !== null) this.#note({ id, value, revision })
  }

  /** The job as the engine has it now. Rejects with ApiError 503. */
  async read(id: string): Promise<BoardJob | null> {
    const stored = await this.#bucket.read(id)
    if (stored === null) return null
    const job = { id, ...stored }
    this.#note(job)
    return job
  }

  /**
   * Makes a step from exactly the given revision. Resolves with null where the job has changed meanwhile, or is in a
   * state without this step. Rejects with ApiError 503.
   */
  async step(job: BoardJob, step: JobStep): Promise<BoardJob | null> {
    const write = nextJob(job, step, Date.now())
    if (write === null) return null
    const revision = await this.#bucket.write(job.id, write)
    if (revision === null) return null
    const done = { id: job.id, value: write.value, revision }
    this.#note(done)
    return done
  }

  /**
   * Makes the step that `choose` gives for the job's present value, again where another changes the job meanwhile.
   * Rejects with ApiError: 404 for an unknown job, 409 where `choose` or the job's state refuses, 503.
   */
  async act(id: string, choose: (job: BoardJob) => JobStep | null, verb: string): Promise<BoardJob> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const job = await this.read(id)
      if (job === null) throw new ApiError(404, `There is no job ${id.slice(0, 40)}`)
      const step = choose(job)
      const impossible = step === null || nextJob(job, step, 0) === null
      if (impossible) throw new ApiError(409, `A job that is ${job.value.state} cannot be ${verb}`)
      const done = await this.step(job, step)
      if (done !== null) return done
    }
    throw new ApiError(503, 'The job changes all the time: try again')
  }

  #note(job: BoardJob): void {
    const known = this.#jobs.get(job.id)
    if (known === undefined || known.revision < job.revision) this.#set(job)
  }

  /** Deletes finished jobs that are old, or too many. Rejects with ApiError 503. */
  async purge(): Promise<void> {
    const finished = FINISHED.flatMap(state => this.in(state))
    const limit = Date.now() - FINISHED_JOB_SECONDS * 1000
    finished.sort((a, b) => b.value.changed - a.value.changed)
    for (const [index, { id, value }] of finished.entries()) {
      if (index < MAX_FINISHED && value.changed >= limit) continue
      await this.#bucket.purge(id)
      this.#drop(id)
    }
  }
}
