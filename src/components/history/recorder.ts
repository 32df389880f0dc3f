// Records jobs: each once, from its start to its end, also over restarts of the server and of Klipper.

import type { PrintStats } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { AuxiliaryField, Job, NewJob } from '../../storage/index.ts'
import type { AuxiliaryFields } from './auxiliary-fields.ts'
import { EndReason, withoutReason } from './end-reason.ts'
import { JobReplies } from './job-reply.ts'
import type { JobWrite } from './service.ts'
import type { StartMetadata } from './start-metadata.ts'
import type { Contribution, Totals } from './totals.ts'

/** The user of prints that were started at the printer, or by G-code. */
const NO_USER = 'No User'
/** The statuses of jobs that Klipper may have continued after their records were closed. */
const MAY_CONTINUE = new Set(['interrupted', 'server_exit', 'klippy_disconnect'])
/** The most seconds between the start of a job and the start computed from its duration. */
const SAME_START = 10

/** The part of a job that the totals contain already. */
type Counted = Pick<NewJob, 'total_duration' | 'print_duration' | 'filament_used'> & { readonly jobs: 0 | 1 }

const NOT_COUNTED: Counted = { jobs: 0, total_duration: 0, print_duration: 0, filament_used: 0 }

/** The job in progress. */
interface Current {
  readonly id: number
  readonly job: NewJob
  readonly counted: Counted
}

/** What the recorder depends on. */
export interface RecorderParts {
  readonly core: Core
  readonly totals: Totals
  readonly fields: AuxiliaryFields
  readonly metadata: StartMetadata
  /** Called in the tick in which the start or the end of a job is written. */
  readonly onWrite: (write: JobWrite) => void
}

export class Recorder {
  readonly #parts: RecorderParts
  #current: Current | null = null
  #user: string | null = null
  /** The last stats of the current job. */
  #stats: PrintStats | null = null
  readonly #changes = new SerialQueue()
  readonly #reason = new EndReason()

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  /** Whether a job is in progress. */
  get isRecording(): boolean {
    return this.#current !== null
  }

  /** Resolves when all changes up to now are recorded. */
  idle(): Promise<void> {
    return this.#changes.idle()
  }

  /** A user started the print that starts now or has just started. */
  requested(username: string | null): void {
    void this.#enqueue(async () => {
      this.#user = username
      const current = this.#current
      if (current === null || username === null) return
      this.#current = { ...current, job: { ...current.job, user: username } }
      await this.#parts.core.storage.jobs.update(current.id, { user: username })
    })
  }

  /** Klippy printed a line on its console. */
  responded(line: string): void {
    this.#reason.responded(line, this.#parts.core.clock.now())
  }

  /** Klipper reported new stats of the current job. */
  progress(change: Partial<PrintStats>): void {
    if (this.#stats !== null) this.#stats = { ...this.#stats, ...change }
  }

  /** Stores the progress of the current job, in case the server misses its end. */
  save(): void {
    void this.#enqueue(async () => {
      const [current, stats] = [this.#current, this.#stats]
      if (current === null || stats === null || !isOf(current.job, stats)) return
      await this.#parts.core.storage.jobs.update(current.id, durationsOf(stats))
    })
  }

  /** The server stops; Klipper may continue. */
  async serverExits(): Promise<void> {
    if (this.#stats !== null) await this.ended('server_exit', this.#stats)
  }

  /** A job has started. */
  started(stats: PrintStats): void {
    this.#stats = stats
    void this.#enqueue(() => this.#add(stats, this.#parts.core.clock.now()))
  }

  /** A job is in progress: one whose record was closed, or one without a record. */
  found(stats: PrintStats): void {
    this.#stats = stats
    void this.#enqueue(async () => {
      const { clock, storage } = this.#parts.core
      const startTime = clock.now() - stats.total_duration
      const [newest] = storage.jobs.list({ limit: 1 })
      if (newest !== undefined && isSameJob(newest, stats, startTime)) await this.#resume(newest)
      else await this.#add(stats, startTime)
    })
  }

  /** The job has ended. */
  ended(status: string, stats: PrintStats): Promise<void> {
    this.#stats = null
    return this.#enqueue(() => this.#finish(status, stats))
  }

  /** Adds a field to a job, or replaces it; null and unknown jobs are ignored. */
  addField(id: number | null, field: AuxiliaryField): Promise<void> {
    return this.#enqueue(async () => {
      const { jobs } = this.#parts.core.storage
      const job = id === null ? undefined : jobs.get(id)
      if (job === undefined) return
      const others = job.auxiliary_data.filter(
        ({ provider, name }) => provider !== field.provider || name !== field.name,
      )
      await jobs.update(job.job_id, { auxiliary_data: [...others, field] })
    })
  }

  async #add(stats: PrintStats, startTime: number): Promise<void> {
    const { core, fields, metadata } = this.#parts
    if (this.#current !== null) await this.#finish('cancelled', stats)
    fields.reset()
    const job: NewJob = {
      user: this.#user ?? NO_USER,
      filename: stats.filename,
      status: 'in_progress',
      start_time: startTime,
      end_time: null,
      ...durationsOf(stats),
      metadata: await metadata(stats.filename),
      auxiliary_data: fields.values(),
    }
    const added = core.storage.jobs.add(job)
    this.#parts.onWrite({ id: null, job })
    const id = await added
    this.#current = { id, job, counted: NOT_COUNTED }
    await this.#notify('added', { job_id: id, ...job })
  }

  async #resume({ job_id: id, ...job }: Job): Promise<void> {
    const { core } = this.#parts
    const changes = {
      status: 'in_progress',
      end_time: null,
      auxiliary_data: withoutReason(job.auxiliary_data),
    }
    const resumed: NewJob = { ...job, ...changes }
    // A job that a crash interrupted was not counted.
    const counted: Counted = job.status === 'interrupted' ? NOT_COUNTED : { ...durationsOf(job), jobs: 1 }
    await core.storage.jobs.update(id, changes)
    this.#current = { id, job: resumed, counted }
    core.log.info(`the job of ${job.filename}, recorded as ${job.status}, continues`)
  }

  async #finish(status: string, stats: PrintStats): Promise<void> {
    const current = this.#current
    this.#current = null
    this.#user = null
    if (current === null) return
    const { core, fields, totals } = this.#parts
    const { job, id, counted } = current
    const time = core.clock.now()
    const metadata = await this.#metadataOf(job)
    const klippyMessage = core.printer.session.info?.state_message ?? ''
    const reason = this.#reason.fieldsOf({ status, message: stats.message, klippyMessage, time })
    const changes = {
      status,
      end_time: time,
      ...(isOf(job, stats) && durationsOf(stats)),
      metadata,
      auxiliary_data: [...fields.values(), ...reason],
    }
    const ended = { ...job, ...changes }
    // In one tick, and so in one transaction.
    const written = Promise.all([
      core.storage.jobs.update(id, changes),
      totals.add(contributionOf(ended, counted)),
    ])
    this.#parts.onWrite({ id, job: ended })
    const [found] = await written
    if (found) await this.#notify('finished', { job_id: id, ...ended })
  }

  /** The first scan of the file may have ended after the start of the job; a file that changed since is another one. */
  async #metadataOf({ filename, metadata: known }: NewJob): Promise<NewJob['metadata']> {
    const now = await this.#parts.metadata(filename)
    const isSame = known.modified === undefined || now.modified === known.modified
    return isSame && Object.keys(now).length > 0 ? now : known
  }

  async #notify(action: 'added' | 'finished', job: Job): Promise<void> {
    const { connections, events, paths } = this.#parts.core
    const reply = await new JobReplies(paths.gcodes).reply(job)
    connections.notify('notify_history_changed', { action, job: reply })
    events.emit('history:changed', action, reply)
  }

  async #enqueue(change: () => Promise<void>): Promise<void> {
    try {
      await this.#changes.run(change)
    } catch (error) {
      const { warnings } = this.#parts.core
      warnings.add(`A job could not be recorded in the history: ${messageOf(error)}`, 'history')
    }
  }
}

function durationsOf(stats: Pick<PrintStats, 'total_duration' | 'print_duration' | 'filament_used'>) {
  const { total_duration, print_duration, filament_used } = stats
  return { total_duration, print_duration, filament_used }
}

/** Stats of another file, or of a new print of the file, do not belong to `job`. */
function isOf(job: NewJob, stats: PrintStats): boolean {
  return stats.filename === job.filename && stats.total_duration >= job.total_duration
}

function contributionOf(job: NewJob, counted: Counted): Contribution {
  return {
    jobs: counted.jobs === 1 ? 0 : 1,
    time: Math.max(0, job.total_duration - counted.total_duration),
    printTime: Math.max(0, job.print_duration - counted.print_duration),
    filament: job.filament_used - counted.filament_used,
    longestTime: job.total_duration,
    longestPrint: job.print_duration,
  }
}

function isSameJob(job: Job, stats: PrintStats, startTime: number): boolean {
  return (
    MAY_CONTINUE.has(job.status) &&
    job.filename === stats.filename &&
    job.total_duration <= stats.total_duration &&
    Math.abs(job.start_time - startTime) <= SAME_START
  )
}
