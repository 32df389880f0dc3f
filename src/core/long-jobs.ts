// Long jobs: work of minutes, such as an update or a rendering, that clients can watch and cancel. A record in the database
// survives a crash of the server, so that the next start can repair an interrupted job.
import { type Clock, sleep } from './clock.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import { ApiError, messageOf } from './errors.ts'
import type { Log } from './log.ts'
import type { PlainData } from './plain-data.ts'

/** What a long job is. */
export interface LongJobSpec {
  /** For people, such as `update of klipper`. */
  readonly title: string
  /** Jobs with the same key run one after the other. */
  readonly key: string
  /** What happens to a job while another one with its key runs or waits. */
  readonly whileOther: 'wait' | 'refuse'
  /** What happens to a job while the printer has a print, also a paused one. */
  readonly whilePrinting: 'run' | 'refuse'
  /** The data that the owner needs to repair the job after an interruption. Clients can read it: no secrets. */
  readonly details: PlainData
}

/** The stored record of a running job. */
export interface LongJobRecord {
  readonly id: number
  readonly title: string
  readonly key: string
  /** Seconds since the epoch. */
  readonly startedAt: number
  readonly details: PlainData
}

/** The current state of a job. */
export interface LongJobState extends Omit<LongJobRecord, 'startedAt'> {
  readonly state: 'waiting' | 'running'
  /** From 0 to 1; null while unknown. */
  readonly progress: number | null
  /** The last message; '' before the first. */
  readonly message: string
  readonly canBeCancelled: boolean
}

/** The interface of a job for its work. */
export interface LongJob {
  readonly id: number
  /** Aborted when a client cancels the job, and when the server stops. */
  readonly signal: AbortSignal
  /** Sends a line to clients. */
  message(text: string): void
  /** Sets the progress, from 0 to 1, or null for unknown. Each whole percent is notified once. */
  progress(fraction: number | null): void
  /** Stores other details; resolves when they are on the disk. Await it before the step that the details describe. */
  note(details: PlainData): Promise<void>
  /** Runs a step during which the job cannot be cancelled. The stop of the server does not wait for it for long. */
  uninterrupted<T>(step: () => Promise<T>): Promise<T>
}

/** Where records are stored. Each promise resolves when the change is on the disk. */
export interface LongJobRecords {
  all(): LongJobRecord[]
  put(record: LongJobRecord): Promise<void>
  remove(id: number): Promise<void>
}

/** What the jobs of one component need. */
export interface LongJobParts {
  readonly records: LongJobRecords
  readonly clock: Clock
  readonly log: Log
  /** Whether the printer has a print, also a paused one. */
  readonly isPrinterBusy: () => Promise<boolean>
  /** Receives each message of a job. */
  readonly onMessage?: (job: LongJobState, text: string) => void
  /** Called when a job waits, starts, progresses, or ends; `hasEnded` is true for the last call. */
  readonly onChange?: (job: LongJobState, hasEnded: boolean) => void
}

/** A client cancelled the job. */
export class JobCancelled extends ApiError {
  override readonly name = 'JobCancelled'

  constructor(title: string) {
    super(400, `The ${title} was cancelled`)
  }
}

const MAX_WAITING = 20
/** Seconds that the jobs have to end when the server stops. */
const STOP_SECONDS = 10

/** The long jobs of one component. */
export class LongJobs {
  readonly #parts: LongJobParts
  readonly #jobs = new Set<Job>()
  readonly #limits = new Map<string, ConcurrencyLimit>()
  readonly #ends = new Set<Promise<unknown>>()
  #stopping = false

  constructor(parts: LongJobParts) {
    this.#parts = parts
  }

  /** The jobs that wait or run, in the order in which they were requested. */
  list(): LongJobState[] {
    return [...this.#jobs].map(job => job.state())
  }

  /** The jobs that the previous run of the server did not finish; call it before the first job, and `settle` each. */
  interrupted(): LongJobRecord[] {
    return this.#parts.records.all()
  }

  /** Removes the record of an interrupted job: it is repaired, or needs no repair. */
  settle(id: number): Promise<void> {
    return this.#parts.records.remove(id)
  }

  /**
   * Runs a job; resolves and rejects with `work`. Rejects with ApiError 503 because of another job with its key, a print,
   * or the stop of the server, with 507 if its record cannot be stored, and with JobCancelled.
   */
  run<T>(spec: LongJobSpec, work: (job: LongJob) => Promise<T>): Promise<T> {
    const end = this.#run(spec, work)
    const ended = end.catch(() => undefined)
    this.#ends.add(ended)
    void ended.then(() => this.#ends.delete(ended))
    return end
  }

  /** Cancels a job that waits or runs. Throws ApiError 404 for an unknown job, 409 if it must not stop now. */
  cancel(id: number): void {
    const job = [...this.#jobs].find(each => each.id === id)
    if (job === undefined) throw new ApiError(404, `No job with the id ${id} runs`)
    if (!job.canBeCancelled)
      throw new ApiError(409, `The ${job.spec.title} cannot be cancelled at this moment`)
    job.abort.abort(new JobCancelled(job.spec.title))
  }

  /** Ends all jobs. A job that does not finish keeps its record. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const job of this.#jobs) job.abort.abort(new ApiError(503, 'The server stops'))
    const enough = new AbortController()
    const tooLong = sleep(this.#parts.clock, STOP_SECONDS, enough.signal).catch(() => undefined)
    await Promise.race([Promise.all(this.#ends), tooLong])
    enough.abort()
  }

  async #run<T>(spec: LongJobSpec, work: (job: LongJob) => Promise<T>): Promise<T> {
    if (this.#stopping) throw new ApiError(503, 'The server stops')
    const others = [...this.#jobs].filter(({ spec: { key } }) => key === spec.key)
    if (spec.whileOther === 'refuse' && others[0] !== undefined)
      throw new ApiError(503, `The ${others[0].spec.title} is not finished yet, try again later`)
    const job = new Job(spec, this.#parts)
    this.#jobs.add(job)
    try {
      await this.#demandIdlePrinter(spec)
      job.changed()
      return await this.#limit(spec.key).run(() => this.#execute(job, work), job.abort.signal)
    } finally {
      this.#jobs.delete(job)
      if (![...this.#jobs].some(({ spec: { key } }) => key === spec.key)) this.#limits.delete(spec.key)
      job.changed(true)
    }
  }

  #limit(key: string): ConcurrencyLimit {
    const known = this.#limits.get(key)
    const limit = known ?? new ConcurrencyLimit({ what: 'jobs', maxRunning: 1, maxQueued: MAX_WAITING })
    this.#limits.set(key, limit)
    return limit
  }

  async #demandIdlePrinter({ title, whilePrinting }: LongJobSpec): Promise<void> {
    if (whilePrinting === 'refuse' && (await this.#parts.isPrinterBusy()))
      throw new ApiError(503, `The ${title} is refused while the printer prints`)
  }

  async #execute<T>(job: Job, work: (job: LongJob) => Promise<T>): Promise<T> {
    // A print may have started while the job waited.
    await this.#demandIdlePrinter(job.spec)
    await job.start()
    let isInterrupted = false
    try {
      job.signal.throwIfAborted()
      return await work(job).catch((error: unknown) => {
        isInterrupted = this.#stopping
        throw error
      })
    } finally {
      if (!isInterrupted) await this.#forget(job)
    }
  }

  async #forget({ id, spec }: Job): Promise<void> {
    try {
      await this.#parts.records.remove(id)
    } catch (error) {
      this.#parts.log.warning(`the record of the ${spec.title} cannot be removed: ${messageOf(error)}`)
    }
  }
}

/** A job from its request to its end. */
class Job implements LongJob {
  readonly id = 1 + Math.floor(Math.random() * 2 ** 47)
  readonly abort = new AbortController()
  readonly spec: LongJobSpec
  readonly #parts: LongJobParts
  #details: PlainData
  #startedAt: number | null = null
  #progress: number | null = null
  #message = ''
  #uninterrupted = 0

  constructor(spec: LongJobSpec, parts: LongJobParts) {
    this.spec = spec
    this.#parts = parts
    this.#details = spec.details
  }

  get signal(): AbortSignal {
    return this.abort.signal
  }

  get canBeCancelled(): boolean {
    return this.#uninterrupted === 0
  }

  state(): LongJobState {
    const { title, key } = this.spec
    return {
      id: this.id,
      title,
      key,
      details: this.#details,
      state: this.#startedAt === null ? 'waiting' : 'running',
      progress: this.#progress,
      message: this.#message,
      canBeCancelled: this.canBeCancelled,
    }
  }

  changed(hasEnded = false): void {
    this.#parts.onChange?.(this.state(), hasEnded)
  }

  async start(): Promise<void> {
    this.#startedAt = this.#parts.clock.now()
    await this.#store()
    this.changed()
  }

  #store(): Promise<void> {
    const { title, key } = this.spec
    const record = { id: this.id, title, key, startedAt: this.#startedAt ?? 0, details: this.#details }
    return this.#parts.records.put(record)
  }

  message(text: string): void {
    this.#message = text
    this.#parts.onMessage?.(this.state(), text)
  }

  progress(fraction: number | null): void {
    const percent = fraction === null ? null : Math.floor(Math.min(1, Math.max(0, fraction)) * 100) / 100
    if (percent === this.#progress) return
    this.#progress = percent
    this.changed()
  }

  async note(details: PlainData): Promise<void> {
    this.#details = details
    await this.#store()
  }

  async uninterrupted<T>(step: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted()
    this.#uninterrupted += 1
    try {
      return await step()
    } finally {
      this.#uninterrupted -= 1
    }
  }
}
