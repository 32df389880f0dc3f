// Starts one queued job after the other, and never one twice: a job is recorded as starting before Klipper receives it, and
// if it is unknown whether Klipper received it, a user must check.
import type { Core } from '../../component/component.ts'
import { printedPath } from '../../core/binary-gcode.ts'
import { sleep } from '../../core/clock.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { gcodeFileTime } from '../../core/gcode-file.ts'
import { isPrintActive } from '../../klippy/printer.ts'
import type { QueuedJob, QueueFacts } from './queue-store.ts'
import type { Order, WaitingJobs } from './waiting-jobs.ts'

export type QueueState = 'ready' | 'loading' | 'starting' | 'paused'
export type QueueAction = 'state_changed' | 'jobs_added' | 'jobs_removed' | 'jobs_changed' | 'job_loaded'

/** The options of [job_queue]. */
export interface Settings {
  readonly load_on_startup: boolean
  readonly automatic_transition: boolean
  /** Seconds between two jobs. */
  readonly job_transition_delay: number
  readonly job_transition_gcode: string
}

/** Seconds: Klipper has just become ready, and clients may want to see which job starts. */
const DELAY_AT_STARTUP = 1
/** Seconds, so that the reply to the request that starts the queue is sent first. */
const DELAY_AT_START = 0.01
const PRINT = { print_stats: ['filename', 'state'] }

const NO_FACTS: QueueFacts = {
  ready: false,
  pausedByUser: false,
  plateClear: true,
  starting: null,
  startingAfter: null,
}

/** Why a job cannot be started; becomes the reason of the pause. */
class CannotStart extends Error {
  override readonly name: string = 'CannotStart'
}

/** The start of a job. */
interface Loading {
  readonly abort: AbortController
  /** Seconds before the start. */
  readonly delay: number
  /** Whether the G-code of the transition runs before the start. */
  readonly transition: boolean
  /** Klipper may have received the job: from here on it cannot be cancelled, and a crash may lose its state. */
  isSent: boolean
}

export class JobQueue {
  readonly #core: Core
  readonly #settings: Settings
  readonly #jobs: WaitingJobs
  readonly #changed: (action: QueueAction) => void
  #facts: QueueFacts = NO_FACTS
  #state: QueueState = 'paused'
  #reason: string | null = null
  #loading: Loading | null = null
  #printing = false

  /** Calls `changed` for each change once it is on the disk. */
  constructor(core: Core, settings: Settings, jobs: WaitingJobs, changed: (action: QueueAction) => void) {
    this.#core = core
    this.#settings = settings
    this.#jobs = jobs
    this.#changed = changed
  }

  get state(): QueueState {
    return this.#state
  }

  /** Why the server paused the queue; null after a pause by a user. */
  get reason(): string | null {
    return this.#reason
  }

  get plateClear(): boolean {
    return this.#facts.plateClear
  }

  get jobs(): readonly QueuedJob[] {
    return this.#jobs.all
  }

  /** Reads the stored queue at the start of the server. */
  load(): void {
    this.#facts = this.#jobs.load()
    const continues = this.#facts.ready && this.#settings.automatic_transition
    this.#state = continues && this.jobs.length > 0 ? 'ready' : 'paused'
    if (this.#facts.starting !== null) this.#reason = this.#unknownStart(this.#facts.starting) ?? null
  }

  /** Cancels the start of a job. */
  stop(): void {
    this.#abortLoading()
  }

  /** Adds files at the end. Rejects with ApiError 400 if one does not exist. */
  async add(order: Order): Promise<void> {
    const names = [...new Set(order.filenames)]
    const times = await Promise.all(names.map(name => gcodeFileTime(this.#core.paths.gcodes, name)))
    const missing = names[times.indexOf(null)]
    if (missing !== undefined) throw new ApiError(400, `G-Code File ${missing} does not exist`)
    await this.#jobs.add(order)
    this.#changed('jobs_added')
    this.#core.events.emit('job:queued', names, order.user)
    const { automatic_transition } = this.#settings
    if (automatic_transition && this.#printing && !this.#facts.pausedByUser && this.#state === 'paused') {
      this.#setState('ready')
    }
  }

  async remove(ids: readonly string[] | 'all'): Promise<void> {
    if (this.jobs.length === 0 || ids.length === 0) return
    await this.#jobs.remove(ids)
    this.#changed('jobs_removed')
  }

  async move(id: string, index: number): Promise<void> {
    await this.#jobs.move(id, index)
    this.#changed('jobs_changed')
  }

  async note(id: string, note: string | null): Promise<void> {
    await this.#jobs.note(id, note)
    this.#changed('jobs_changed')
  }

  /** A user pauses the queue; a job that is being loaded is not started. */
  async pause(): Promise<void> {
    this.#abortLoading()
    this.#setState('paused')
    await this.#store({ pausedByUser: true })
  }

  /** A user starts the queue. An idle printer starts the next job: the user sees the plate. */
  async start(): Promise<void> {
    await this.#store({ pausedByUser: false })
    if (this.#loading !== null) return
    if (this.jobs.length === 0) return this.#setState('paused')
    const obstacle = await this.#obstacle()
    if (obstacle === null) {
      await this.#store({ plateClear: true, starting: null })
      this.#startJob({ delay: DELAY_AT_START, transition: false })
    } else if (this.#settings.automatic_transition) this.#setState('ready')
    else this.#setState('paused', `${obstacle}: start the queue again when the plate is clear`)
  }

  /** A user confirms that the plate is clear. */
  async confirmPlate(): Promise<void> {
    if (this.#printing || this.#loading !== null) {
      throw new ApiError(400, 'The plate is not clear: a job is in progress')
    }
    await this.#store({ plateClear: true, starting: null })
    if (this.#state === 'paused') this.#reason = null
    this.#changed('state_changed')
  }

  /** A print starts that is not of this queue. */
  async occupyPlate(): Promise<void> {
    await this.#store({ plateClear: false })
    this.#changed('state_changed')
  }

  /** Klippy has become ready. */
  async printerReady(): Promise<void> {
    await this.#settleStarting()
    if (!this.#settings.load_on_startup || this.jobs.length === 0) return
    if (this.#loading !== null || this.#facts.pausedByUser || (await this.#obstacle()) !== null) return
    if (this.#facts.plateClear) this.#startJob({ delay: DELAY_AT_STARTUP, transition: false })
    else this.#setState('paused', 'The plate was not confirmed as clear since the last print')
  }

  /** Klippy has shut down. */
  printerDown(): void {
    this.#pauseFor('Klipper has shut down')
  }

  /** A job has started, or is in progress. */
  async printStarted(filename: string): Promise<void> {
    this.#printing = true
    if (this.#facts.plateClear) await this.#store({ plateClear: false })
    const { starting } = this.#facts
    const isOurs = starting !== null && this.#jobs.find(starting)?.filename === filename
    if (isOurs && this.#loading === null) await this.#loaded(starting)
  }

  /** A job is complete: with automatic_transition the next one starts. */
  async printCompleted(): Promise<void> {
    this.#printing = false
    if (!this.#settings.automatic_transition) return
    await this.#store({ plateClear: true })
    if (this.#state !== 'ready' || this.jobs.length === 0) return
    this.#startJob({ delay: this.#settings.job_transition_delay, transition: true })
  }

  /** A job has ended in another way; `how` becomes the reason of the pause. */
  printFailed(how: string): void {
    this.#printing = false
    this.#pauseFor(how)
  }

  #abortLoading(): void {
    const loading = this.#loading
    loading?.abort.abort()
    if (loading?.isSent === false) this.#loading = null
  }

  #pauseFor(reason: string): void {
    const wasPaused = this.#state === 'paused'
    this.#abortLoading()
    if (!wasPaused) this.#setState('paused', reason)
  }

  /** Why Klipper cannot start a file now; null if it can. */
  async #obstacle(): Promise<string | null> {
    const { printer } = this.#core
    if (printer.session.state !== 'ready') return 'Klipper is not ready'
    try {
      return (await printer.isBusy()) ? 'Klipper prints' : null
    } catch (error) {
      return messageOf(error)
    }
  }

  /**
   * Decides whether the job that was being started has started, by the file that Klipper has loaded. If Klipper had the
   * same file loaded before, that is unknown.
   */
  async #settleStarting(): Promise<void> {
    const { starting, startingAfter } = this.#facts
    const filename = starting === null ? undefined : this.#jobs.find(starting)?.filename
    if (starting === null || filename === undefined || this.#loading !== null) return
    const { status } = await this.#core.printer.query(PRINT)
    const { print_stats: print } = status
    const printed = printedPath(filename)
    const hasStarted = isPrintActive(print?.state) || startingAfter !== printed
    if (print?.filename === printed && hasStarted) await this.#loaded(starting)
  }

  #startJob(how: Pick<Loading, 'delay' | 'transition'>): void {
    if (this.#loading !== null) return
    const loading: Loading = { ...how, abort: new AbortController(), isSent: false }
    this.#loading = loading
    this.#setState('loading')
    this.#run(loading)
      .catch((error: unknown) => {
        if (loading.isSent || !loading.abort.signal.aborted) this.#failed(error)
      })
      .finally(() => {
        if (this.#loading === loading) this.#loading = null
      })
  }

  async #run(loading: Loading): Promise<void> {
    const { signal } = loading.abort
    const { clock, printer } = this.#core
    await sleep(clock, loading.delay, signal)
    await this.#next()
    const { job_transition_gcode: gcode } = this.#settings
    if (loading.transition && gcode !== '') await printer.runGcode(gcode)
    signal.throwIfAborted()
    const job = await this.#next()
    const { status } = await printer.query(PRINT)
    signal.throwIfAborted()
    this.#setState('starting')
    loading.isSent = true
    const before = status.print_stats?.filename
    await this.#store({
      plateClear: false,
      starting: job.id,
      startingAfter: typeof before === 'string' ? before : null,
    })
    if (signal.aborted) return this.#store({ plateClear: true, starting: null })
    await this.#sendJob(job)
    await this.#loaded(job.id)
  }

  /** The first job. Rejects with CannotStart if it cannot be started. */
  async #next(): Promise<QueuedJob> {
    const [job] = this.jobs
    if (job === undefined) throw new CannotStart('The queue is empty')
    const obstacle = await this.#obstacle()
    if (obstacle !== null) throw new CannotStart(obstacle)
    if ((await gcodeFileTime(this.#core.paths.gcodes, job.filename)) === null) {
      throw new CannotStart(`G-Code File ${job.filename} no longer exists`)
    }
    return job
  }

  /** An error from Klipper means that the job has not started; after a lost connection that is unknown. */
  async #sendJob({ id, filename, user }: QueuedJob): Promise<void> {
    try {
      await this.#core.printer.startPrint(filename, user)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 503) throw new CannotStart(this.#unknownStart(id))
      await this.#store({ plateClear: true, starting: null })
      throw new CannotStart(`${filename} was not started: ${error.message}`)
    }
  }

  #unknownStart(id: string): string | undefined {
    const job = this.#jobs.find(id)
    if (job === undefined) return undefined
    return `${job.filename} was being started when the connection ended: check whether it was printed, and remove or start it`
  }

  async #loaded(id: string): Promise<void> {
    const rest = this.jobs.filter(job => job.id !== id).length
    const continues = rest > 0 && this.#settings.automatic_transition
    if (this.#state === 'starting') this.#state = continues ? 'ready' : 'paused'
    this.#facts = { ...this.#facts, starting: null, ready: this.#state === 'ready' }
    await this.#jobs.remove([id], this.#facts)
    this.#reason = null
    this.#changed('job_loaded')
  }

  #failed(error: unknown): void {
    const { log } = this.#core
    if (!(error instanceof CannotStart) && !(error instanceof ApiError))
      log.error('cannot load the next job', error)
    log.warning(`the queue is paused: ${messageOf(error)}`)
    this.#setState('paused', messageOf(error))
  }

  #setState(state: QueueState, reason: string | null = null): void {
    if (state === this.#state && reason === this.#reason) return
    this.#state = state
    this.#reason = reason
    this.#store({ ready: state === 'ready' }).catch((error: unknown) =>
      this.#core.log.warning(`the state was not stored: ${messageOf(error)}`),
    )
    this.#changed('state_changed')
  }

  async #store(changes: Partial<QueueFacts>): Promise<void> {
    const facts = { ...this.#facts, ...changes }
    const isNew = (Object.keys(changes) as (keyof QueueFacts)[]).some(key => facts[key] !== this.#facts[key])
    this.#facts = facts
    if (isNew) await this.#jobs.keep(facts)
  }
}
