// The queued jobs in their order; each change is on the disk before it is visible.
import { randomBytes } from 'node:crypto'
import { ApiError } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { QueueChange, QueuedJob, QueueFacts, QueueStore } from './queue-store.ts'

/** Each notification contains the whole queue, which must remain possible. */
const MAX_JOBS = 20_000

/** A request to add files to the queue. */
export interface Order {
  readonly filenames: readonly string[]
  readonly copies: number
  readonly reset: boolean
  readonly user: string | null
  readonly note: string | null
  /** Seconds since the epoch. */
  readonly now: number
}

export class WaitingJobs {
  readonly #store: QueueStore
  #jobs: readonly QueuedJob[] = []
  /** Each change starts from the result of the one before. */
  readonly #changes = new SerialQueue()

  constructor(store: QueueStore) {
    this.#store = store
  }

  /** Reads the queue from the disk. */
  load(): QueueFacts {
    const { jobs, facts } = this.#store.load()
    this.#jobs = jobs
    return facts
  }

  get all(): readonly QueuedJob[] {
    return this.#jobs
  }

  find(id: string): QueuedJob | undefined {
    return this.#jobs.find(job => job.id === id)
  }

  /** Adds files at the end. Rejects with ApiError 400 if there are too many jobs then. */
  add({ filenames, copies, reset, user, note, now }: Order): Promise<void> {
    return this.#change(jobs => {
      const kept = reset ? [] : jobs
      const count = filenames.length * copies
      if (kept.length + count > MAX_JOBS) {
        throw new ApiError(400, `The queue can contain at most ${MAX_JOBS} jobs, not ${kept.length + count}`)
      }
      const first = (kept.at(-1)?.position ?? 0) + 1
      const put = Array.from({ length: count }, (_, index) => ({
        id: newId(),
        position: first + index,
        filename: filenames[Math.floor(index / copies)] as string,
        user,
        note,
        timeAdded: now,
      }))
      return { jobs: [...kept, ...put], change: { put, ...(reset && { remove: 'all' }) } }
    })
  }

  /** Removes jobs; unknown ids are ignored. Stores `facts` in the same transaction. */
  remove(ids: readonly string[] | 'all', facts?: QueueFacts): Promise<void> {
    return this.#change(jobs => {
      const gone = ids === 'all' ? null : new Set(ids)
      return {
        jobs: gone === null ? [] : jobs.filter(({ id }) => !gone.has(id)),
        change: { remove: ids, ...(facts !== undefined && { facts }) },
      }
    })
  }

  /** Moves a job to `index`, 0 being the front. Rejects with ApiError 400 for an unknown id. */
  move(id: string, index: number): Promise<void> {
    return this.#change(jobs => {
      const job = known(jobs, id)
      const others = jobs.filter(other => other !== job)
      const moved = { ...job, position: positionAt(others, index) }
      const order = others.toSpliced(index, 0, moved)
      if (isOrdered(order)) return { jobs: order, change: { put: [moved] } }
      const renumbered = order.map((each, position) => ({ ...each, position }))
      return { jobs: renumbered, change: { put: renumbered } }
    })
  }

  /** Sets or removes the note of a job. Rejects with ApiError 400 for an unknown id. */
  note(id: string, note: string | null): Promise<void> {
    return this.#change(jobs => {
      const changed = { ...known(jobs, id), note }
      return { jobs: jobs.map(job => (job.id === id ? changed : job)), change: { put: [changed] } }
    })
  }

  /** Stores facts, in order with the changes of jobs. */
  keep(facts: QueueFacts): Promise<void> {
    return this.#change(jobs => ({ jobs, change: { facts } }))
  }

  #change(plan: (jobs: readonly QueuedJob[]) => { jobs: readonly QueuedJob[]; change: QueueChange }) {
    return this.#changes.run(async () => {
      const { jobs, change } = plan(this.#jobs)
      await this.#store.write(change)
      this.#jobs = jobs
    })
  }
}

function newId(): string {
  return randomBytes(8).toString('hex').toUpperCase()
}

function known(jobs: readonly QueuedJob[], id: string): QueuedJob {
  const job = jobs.find(each => each.id === id)
  if (job === undefined) throw new ApiError(400, `Invalid job id: ${id}`)
  return job
}

/** A number between the neighbours, or after the last one. */
function positionAt(jobs: readonly QueuedJob[], index: number): number {
  const before = jobs[Math.min(index, jobs.length) - 1]?.position
  const after = jobs[index]?.position
  if (before === undefined) return (after ?? 1) - 1
  return after === undefined ? before + 1 : (before + after) / 2
}

/** Between two numbers there is not always another one. */
function isOrdered(jobs: readonly QueuedJob[]): boolean {
  return jobs.every((job, index) => index === 0 || job.position > (jobs[index - 1] as QueuedJob).position)
}
