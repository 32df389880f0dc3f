// Records jobs: each once, from its beginning to its end, whatever is restarted in between.

import type { PrintStats } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { Job, NewJob } from '../../storage/index.ts'
import type { AuxiliaryFields } from './auxiliary-fields.ts'
import { EndReason, withoutReason } from './end-reason.ts'
import { JobReplies } from './job-reply.ts'
import type { StartMetadata } from './start-metadata.ts'
import type { Contribution, Totals } from './totals.ts'

/** The user of prints that were started at the printer, or by G-code. */
const NO_USER = 'No User'
/** With these a job was given up while Klipper may have gone on with it. */
const MAY_GO_ON = new Set(['interrupted', 'server_exit', 'klippy_disconnect'])
/** Seconds that the beginning of a job may differ when it is worked out from its duration. */
const SAME_BEGINNING = 10

/** What was counted of a job already. */
type Counted = Pick<NewJob, 'total_duration' | 'print_duration' | 'filament_used'> & { readonly jobs: 0 | 1 }

const NOT_COUNTED: Counted = { jobs: 0, total_duration: 0, print_duration: 0, filament_used: 0 }

/** The job that is under way. */
interface Current {
  readonly id: number
  readonly job: NewJob
  readonly counted: Counted
}

/** What the recorder works with. */
export interface RecorderParts {
  readonly core: Core
  readonly totals: Totals
  readonly fields: AuxiliaryFields
  readonly metadata: StartMetadata
}

export class Recorder {
  readonly #parts: RecorderParts
  #current: Current | null = null
  #user: string | null = null
  /** What Klipper said last of the present job. */
  #stats: PrintStats | null = null
  readonly #changes = new SerialQueue()
  readonly #reason = new EndReason()

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  /** Whether a job is under way. */
  get isRecording(): boolean {
    return this.#current !== null
  }

  /** Someone has started the print that has just begun, or is about to. */
  requested(username: string | null): void {
    void this.#inTurn(async () => {
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

  /** What Klipper says of the present job meanwhile. */
  progress(change: Partial<PrintStats>): void {
    if (this.#stats !== null) this.#stats = { ...this.#stats, ...change }
  }

  /** Keeps how far the present job is, for the case that nobody can tell its end. */
  save(): void {
    void this.#inTurn(async () => {
      const [current, stats] = [this.#current, this.#stats]
      if (current === null || stats === null || !isOf(current.job, stats)) return
      await this.#parts.core.storage.jobs.update(current.id, durationsOf(stats))
    })
  }

  /** The server ends; Klipper may go on. */
  async serverExits(): Promise<void> {
    if (this.#stats !== null) await this.ended('server_exit', this.#stats)
  }

  /** A job has begun. */
  started(stats: PrintStats): void {
    this.#stats = stats
    void this.#inTurn(() => this.#add(stats, this.#parts.core.clock.now()))
  }

  /** A job is under way: the one that was given up, or one that nobody has recorded. */
  found(stats: PrintStats): void {
    this.#stats = stats
    void this.#inTurn(async () => {
      const { clock, storage } = this.#parts.core
      const beginning = clock.now() - stats.total_duration
      const [newest] = storage.jobs.list({ limit: 1 })
      if (newest !== undefined && isSameJob(newest, stats, beginning)) await this.#goOn(newest)
      else await this.#add(stats, beginning)
    })
  }

  /** The job has ended. */
  ended(status: string, stats: PrintStats): Promise<void> {
    this.#stats = null
    return this.#inTurn(() => this.#finish(status, stats))
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
    const id = await core.storage.jobs.add(job)
    this.#current = { id, job, counted: NOT_COUNTED }
    await this.#tell('added', { job_id: id, ...job })
  }

  async #goOn({ job_id: id, ...job }: Job): Promise<void> {
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
    core.log.info(`the job of ${job.filename}, given up as ${job.status}, goes on`)
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
    // Asked for in one tick, so that both are durable or neither.
    const [found] = await Promise.all([
      core.storage.jobs.update(id, changes),
      totals.add(contributionOf(ended, counted)),
    ])
    if (found) await this.#tell('finished', { job_id: id, ...ended })
  }

  /** The file may have been read only after the job began; one that has changed since is another file. */
  async #metadataOf({ filename, metadata: known }: NewJob): Promise<NewJob['metadata']> {
    const now = await this.#parts.metadata(filename)
    const isSame = known.modified === undefined || now.modified === known.modified
    return isSame && Object.keys(now).length > 0 ? now : known
  }

  async #tell(action: 'added' | 'finished', job: Job): Promise<void> {
    const { connections, events, paths } = this.#parts.core
    const reply = await new JobReplies(paths.gcodes).reply(job)
    connections.notify('notify_history_changed', { action, job: reply })
    events.emit('history:changed', action, reply)
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
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

/** Stats of another file, or that began anew, say nothing of `job`. */
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

function isSameJob(job: Job, stats: PrintStats, beginning: number): boolean {
  return (
    MAY_GO_ON.has(job.status) &&
    job.filename === stats.filename &&
    job.total_duration <= stats.total_duration &&
    Math.abs(job.start_time - beginning) <= SAME_BEGINNING
  )
}
