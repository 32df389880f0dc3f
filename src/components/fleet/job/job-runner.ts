// Prints the job that the printer holds: fetches its file, starts it once, and records how it ends. Each phase is durable
// before the act that follows it, so that a crash never starts a print twice.
import type { PrintStats } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import { printedPath } from '../../../core/binary-gcode.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { JobEnd, Slot, Stored } from '../../../fleet/contract/index.ts'
import { isPrintActive } from '../../../klippy/printer.ts'
import { jobIdText } from '../../../storage/index.ts'
import type { JobWrite } from '../../history/service.ts'
import type { PrintQueue } from '../../job-queue/service.ts'
import type { FleetEvents } from '../events.ts'
import type { Facts, HeldJob } from '../facts.ts'
import type { Gates } from '../slot/gates.ts'
import { type Ended, endOfRecord, endOfStats, UNKNOWN_END } from './job-end.ts'

/** The user in the history of this printer. */
const USER = 'fleet'
const PRINT = { print_stats: ['filename', 'state', 'message', 'print_duration', 'filament_used'] }

/** Fetches files; see FleetFiles. */
export interface JobFiles {
  fetch(held: Pick<HeldJob, 'file' | 'url'>, signal: AbortSignal): Promise<string>
  pathOf(file: HeldJob['file']): string
}

/** What the runner works with. */
export interface RunnerParts {
  readonly core: Core
  readonly facts: Facts
  readonly events: FleetEvents
  readonly files: JobFiles
  readonly gates: Gates
  readonly queue: PrintQueue
}

export class JobRunner {
  readonly #parts: RunnerParts
  #work: AbortController | null = null
  /** Klippy may have received the start: it cannot be cancelled here any more. */
  #isSent = false
  /** Called when the job has gone on. */
  onChange: () => void = () => {}

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Fetches the file of an accepted job, or starts it when the file is there. The caller has just read the slot. */
  advance(held: HeldJob): void {
    if (this.#work !== null) return
    const abort = new AbortController()
    this.#work = abort
    this.#isSent = false
    const work =
      held.path === null ? this.#fetch(held, abort.signal) : this.#start(held, held.path, abort.signal)
    work
      .catch(error => this.#failed(held, abort.signal, error))
      .finally(() => {
        this.#work = null
        this.onChange()
      })
  }

  /** Stops what has not been sent to Klippy. Returns false if it is too late for that. */
  cancel(reason: string): boolean {
    if (this.#isSent) return false
    this.#work?.abort(new ApiError(400, reason))
    return true
  }

  /** Cancels the job that is held, printing or not. Rejects with ApiError. */
  async cancelJob(held: HeldJob): Promise<void> {
    if (held.phase === 'accepted' && this.cancel('the job was cancelled')) {
      await this.#end(held, { outcome: 'cancelled', started: false, why: 'cancelled' })
      this.onChange()
    } else await this.#parts.core.printer.cancelPrint()
  }

  async #fetch(held: HeldJob, signal: AbortSignal): Promise<void> {
    const path = await this.#parts.files.fetch(held, signal)
    signal.throwIfAborted()
    await this.#parts.facts.change(held, { path })
  }

  async #start(held: HeldJob, path: string, signal: AbortSignal): Promise<void> {
    const { core, facts, gates, queue } = this.#parts
    const obstacle = await gates.obstacle()
    if (obstacle !== null) return this.#end(held, { outcome: 'not_started', started: false, why: obstacle })
    const { filename } = await this.#stats()
    signal.throwIfAborted()
    const process = core.printer.session.info?.process_id ?? null
    this.#isSent = true
    if (!(await facts.change(held, { phase: 'starting', before: { process, filename } }))) return
    await queue.occupyPlate()
    await core.printer.startPrint(path, USER)
    await this.#printStarted()
  }

  /** Nothing was printed, except where Klippy may have received the start: that is decided when it is ready again. */
  async #failed(held: HeldJob, signal: AbortSignal, error: unknown): Promise<void> {
    if (signal.aborted && !this.#isSent) return
    const why = messageOf(error)
    this.#parts.core.log.warning(`the job ${held.job} of the fleet: ${why}`)
    if (this.#isSent && (!(error instanceof ApiError) || error.status === 503)) return
    if (this.#isSent) await this.#parts.queue.confirmPlate().catch(() => {})
    await this.#end(held, { outcome: 'not_started', started: false, why })
  }

  /** Klipper prints the file. */
  async #printStarted(): Promise<void> {
    const { facts, events } = this.#parts
    const { held } = facts
    if (held?.phase !== 'starting') return
    await facts.change(held, { phase: 'printing' }, [
      events.make('job.started', held, { file: held.file.name }),
    ])
    this.onChange()
  }

  /** The history writes the start or the end of a print, in this tick. */
  recorded({ id, job }: JobWrite): void {
    const { held } = this.#parts.facts
    const isHeld = held !== null && isStarted(held) && job.filename === printedName(held)
    const done = isHeld ? this.#recordedOwn(held, id, job) : this.#recordedLocal(id, job)
    done.catch(error => this.#parts.core.log.error('a print of the fleet was not recorded', error))
  }

  async #recordedOwn(held: HeldJob, id: number | null, job: JobWrite['job']): Promise<void> {
    if (id === null) return this.#printStarted()
    const ended = endOfRecord(job)
    if (ended === null) return
    await this.#end(held, { ...ended, history_id: jobIdText(id) })
    this.onChange()
  }

  /** Prints that the fleet did not start are reported without a job. */
  async #recordedLocal(id: number | null, job: JobWrite['job']): Promise<void> {
    const { events, facts } = this.#parts
    const file = job.filename.slice(0, 200)
    if (id === null) return facts.write({}, [events.make('job.started', null, { file })])
    const ended = endOfRecord(job)
    if (ended === null) return
    const type = typeOf(ended)
    await facts.write({}, [events.make(type, null, { ...ended, file, history_id: jobIdText(id) })])
  }

  /** Records the end of the job and its event together. */
  async #end(held: HeldJob, ended: Ended & Partial<JobEnd>): Promise<void> {
    const { facts, events, queue } = this.#parts
    const { outcome, why, started } = ended
    const end = { outcome, why, started }
    if (started && queue.plateClear) await queue.occupyPlate()
    await facts.change(held, { phase: 'ended', end }, [events.make(typeOf(ended), held, { ...ended })])
  }

  /** Klippy is ready: decides about a job whose start or end the server did not see. */
  async settle(): Promise<void> {
    const { held } = this.#parts.facts
    if (held === null || !isStarted(held) || this.#work !== null) return
    let stats = await this.#stats()
    if (held.phase === 'starting' && !isPrintActive(stats.state)) {
      // A start that an earlier connection sent may wait for Klippy's lock; this request waits behind it.
      await this.#parts.core.printer.link.request('gcode/script', { script: '' })
      stats = await this.#stats()
    }
    await this.#decide(held, stats)
    this.onChange()
  }

  async #decide(held: HeldJob, stats: PrintStats): Promise<void> {
    const isOurs = stats.filename === printedName(held)
    if (isOurs && isPrintActive(stats.state)) return this.#printStarted()
    const isKnownEnd = isOurs && (held.phase === 'printing' || held.before?.filename !== stats.filename)
    const ended = isKnownEnd ? endOfStats(stats) : null
    if (ended !== null) return this.#end(held, ended)
    if (!isOurs && this.#isUntouched(held, stats)) {
      await this.#parts.facts.change(held, { phase: 'accepted', before: null })
      await this.#parts.queue.confirmPlate()
      return
    }
    await this.#end(held, UNKNOWN_END)
  }

  /** Whether the same Klippy has the same file loaded as before the start: it has not received it. */
  #isUntouched({ phase, before }: HeldJob, { filename }: PrintStats): boolean {
    const process = this.#parts.core.printer.session.info?.process_id ?? null
    return (
      phase === 'starting' && before?.process === process && process !== null && before.filename === filename
    )
  }

  /**
   * The slot holds a job that the database does not know, or knows only before its start: it is older than the slot.
   * Whether the job was started is not known then, so that it counts as started. Resolves with false while Klippy is not
   * ready.
   */
  async adopt({ value: slot, revision }: Stored<Slot>): Promise<boolean> {
    const { core, facts, events, files, queue } = this.#parts
    const { job, attempt, file } = slot
    if (core.printer.session.state !== 'ready' || job === null || file === null) return false
    const fence = slot.fence ?? revision
    const held: HeldJob = {
      job,
      attempt,
      fence,
      file,
      url: slot.url ?? '',
      phase: 'printing',
      path: files.pathOf(file),
      before: null,
      end: null,
      isAbandoned: false,
    }
    const last = { epoch: slot.epoch ?? '', last: fence }
    if (slot.state === 'finished') {
      // The hubs know how it ended; the plate has its part until a person confirms that it is clear.
      await queue.occupyPlate()
      const { outcome, why } = slot.last ?? UNKNOWN_END
      await facts.write({
        held: { ...held, phase: 'ended', end: { outcome, why, started: true } },
        fence: last,
      })
      return true
    }
    const stats = await this.#stats()
    if (isPrintActive(stats.state) && stats.filename === printedName(held)) {
      await facts.write({ held, fence: last })
      return true
    }
    await queue.occupyPlate()
    const { outcome, why, started } = UNKNOWN_END
    await facts.write({ held: { ...held, phase: 'ended', end: { outcome, why, started } }, fence: last }, [
      events.make(typeOf(UNKNOWN_END), held, { ...UNKNOWN_END }),
    ])
    return true
  }

  async #stats(): Promise<PrintStats> {
    const { status } = await this.#parts.core.printer.query(PRINT)
    const { filename, state, message, ...numbers } = status.print_stats ?? {}
    const text = (value: unknown) => (typeof value === 'string' ? value : '')
    const number = (value: unknown) => (typeof value === 'number' ? value : 0)
    return {
      filename: text(filename),
      state: text(state),
      message: text(message),
      total_duration: 0,
      print_duration: number(numbers.print_duration),
      filament_used: number(numbers.filament_used),
    }
  }

  /** Ends what has not been sent to Klippy, when the server stops. */
  stop(): void {
    this.cancel('the server stops')
  }
}

function isStarted({ phase }: HeldJob): boolean {
  return phase === 'starting' || phase === 'printing'
}

/** The name under which Klipper prints the file. */
function printedName({ path }: HeldJob): string | null {
  return path === null ? null : printedPath(path)
}

function typeOf({ outcome }: Ended) {
  return outcome === 'done' || outcome === 'cancelled' ? 'job.finished' : 'job.failed'
}
