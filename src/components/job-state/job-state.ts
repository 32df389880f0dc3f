// Derives jobs from print_stats: emits one event for each start, pause, resume and end.
import type { JobFailure, PrintStats, StatusChange } from '../../api/printer.ts'
import type { EventBus } from '../../core/events.ts'
import { isPrintActive } from '../../klippy/printer.ts'

const NOTHING: PrintStats = {
  filename: '',
  state: 'standby',
  total_duration: 0,
  print_duration: 0,
  filament_used: 0,
  message: '',
}

/** What virtual_sdcard prints on the console when a file is opened, and when all of it is printed. */
const OPENED = /^File opened:(.*) Size:\d+$/
export const PRINTED = 'Done printing file'

/** A print of which Klippy has reported the end on its console. */
interface CompletedPrint {
  readonly filename: string
  /** Seconds from the opening of the file to the end. */
  readonly seconds: number
}

/**
 * Klippy sends updates every quarter of a second: a short job may start and end between two of them. Several may; the lines
 * on the console show those that were completed.
 */
export class JobState {
  readonly #events: EventBus
  #last: PrintStats = NOTHING
  /** Whether a start was reported, and no end since. */
  #running = false
  /** Whether the last reported event of the running job is a pause. */
  #isPaused = false
  #awaitsStart = false
  /** The file whose start Klippy has confirmed, until its job is reported. */
  #requested: string | null = null
  /** The file that was opened last, and when; null after its print. */
  #opened: { readonly filename: string; readonly time: number } | null = null
  /** The prints that were completed since the last stats. */
  #completed: CompletedPrint[] = []
  /** Whether a macro pauses the print for a moment, to take a picture: no pause for users. */
  isFramePause = false

  constructor(events: EventBus) {
    this.#events = events
  }

  /** The last stats. */
  get stats(): PrintStats {
    return this.#last
  }

  /** Takes the first stats after Klippy has become ready. */
  start(first: StatusChange[string]): void {
    const now = merged(NOTHING, first)
    this.#last = now
    this.#opened = null
    this.#completed = []
    if (!isPrintActive(now.state)) return
    this.#expectNothing()
    this.#running = true
    this.#isPaused = now.state === 'paused'
    this.#events.emit('job:found', now)
  }

  /**
   * Takes changed fields if they are only the progress of a job, or nothing of a job: no event is emitted for them. False
   * for others, which `change` takes.
   */
  progress(fields: StatusChange[string]): boolean {
    if (this.#completed.length > 0) return false
    const now = merged(this.#last, fields)
    if (isAnother(this.#last, now) || now.state !== this.#last.state || this.#isRepeated(this.#last, now))
      return false
    this.#last = now
    return true
  }

  /** A file is about to be printed. */
  prepared(): void {
    this.#awaitsStart = true
  }

  /**
   * Klippy has started to print a file. Unless its start was reported since `prepared`, the next change is about this
   * job, even if it looks like the end of the last.
   */
  requested(filename: string): void {
    if (this.#awaitsStart) this.#requested = filename
  }

  /** Klippy printed a line on its console; `time` is in seconds. Returns whether it is the end of a print. */
  responded(line: string, time: number): boolean {
    const filename = OPENED.exec(line)?.[1]
    if (filename !== undefined) this.#opened = { filename, time }
    const opened = this.#opened
    if (line !== PRINTED || opened === null) return false
    this.#completed.push({ filename: opened.filename, seconds: time - opened.time })
    this.#opened = null
    return true
  }

  /** Takes changed fields. */
  change(fields: StatusChange[string]): void {
    const now = merged(this.#last, fields)
    this.#reportCompleted(now)
    const before = this.#last
    this.#last = now
    if (isAnother(before, now)) this.#replaced(before, now)
    else if (now.state !== before.state) this.#stateChanged(before, now)
    else if (this.#isRepeated(before, now)) this.#activeChanged(before, now)
  }

  /** Reports the completed prints that the stats `now` do not show: each as if it had had stats of its own. */
  #reportCompleted(now: PrintStats): void {
    const completed = this.#completed
    this.#completed = []
    const last = completed.at(-1)
    if (last === undefined) return
    const isShown = now.state === 'complete' && now.filename === last.filename
    for (const print of isShown ? completed.slice(0, -1) : completed) this.#reportPrint(print)
    if (!isShown) return
    this.#endOther(last.filename)
    if (!this.#running) this.#requested = last.filename
  }

  #reportPrint({ filename, seconds }: CompletedPrint): void {
    this.#endOther(filename)
    const stats: PrintStats = this.#running
      ? { ...this.#last, state: 'complete' }
      : { ...NOTHING, filename, state: 'complete', total_duration: seconds }
    if (!this.#running) this.#jobStarted(stats)
    this.#last = stats
    this.#end('job:completed', stats)
  }

  /** Another file was printed meanwhile: the running job has ended, and was not completed. */
  #endOther(filename: string): void {
    if (!this.#running || this.#last.filename === filename) return
    this.#end('job:cancelled', this.#last)
    this.#last = { ...this.#last, state: 'cancelled' }
  }

  /**
   * Whether a job has started and ended between two updates with the same end: the duration of a job that has ended
   * does not change, and a requested job has started.
   */
  #isRepeated(before: PrintStats, now: PrintStats): boolean {
    if (now.state === 'standby' || isPrintActive(now.state) || now.filename === '') return false
    return (
      now.total_duration !== before.total_duration ||
      now.filename !== before.filename ||
      now.filename === this.#requested
    )
  }

  /** Another job has started; the end of the previous one was not seen. */
  #replaced(before: PrintStats, now: PrintStats): void {
    if (this.#running) this.#end('job:cancelled', before)
    this.#jobStarted(now)
    if (now.state === 'paused') this.#paused(now)
  }

  #stateChanged(before: PrintStats, now: PrintStats): void {
    const { state } = now
    if (state === 'standby') this.#standby(before)
    else if (state === 'printing' && this.#running) this.#resumed(now)
    else this.#activeChanged(before, now)
  }

  #activeChanged(before: PrintStats, now: PrintStats): void {
    const { state } = now
    if (!this.#running && !isPrintActive(before.state)) this.#jobStarted(now)
    if (!this.#running) return
    if (state === 'paused') this.#paused(now)
    if (state === 'complete') this.#end('job:completed', lastOf(before, now))
    if (state === 'cancelled') this.#end('job:cancelled', lastOf(before, now))
    if (state === 'error') this.#fail(lastOf(before, now), 'error')
  }

  #paused(now: PrintStats): void {
    if (this.isFramePause) return
    this.#isPaused = true
    this.#events.emit('job:paused', now)
  }

  #resumed(now: PrintStats): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#events.emit('job:resumed', now)
  }

  #jobStarted(now: PrintStats): void {
    this.#expectNothing()
    this.#running = true
    this.#isPaused = false
    this.#events.emit('job:started', now)
  }

  #expectNothing(): void {
    this.#awaitsStart = false
    this.#requested = null
  }

  #end(event: 'job:completed' | 'job:cancelled', stats: PrintStats): void {
    this.#running = false
    this.#events.emit(event, stats)
  }

  #standby(before: PrintStats): void {
    const wasRunning = this.#running
    this.#running = false
    this.#events.emit('job:standby', before, wasRunning)
  }

  #fail(stats: PrintStats, failure: JobFailure): void {
    this.#running = false
    this.#events.emit('job:error', stats, failure)
  }

  /**
   * Klippy cannot print until it is restarted: a job in progress has failed. `fields` are the last ones of print_stats,
   * which may be part of the same update.
   */
  lost(failure: Exclude<JobFailure, 'error'>, fields?: StatusChange[string]): void {
    this.#expectNothing()
    if (this.#running) this.#fail(lastOf(this.#last, merged(this.#last, fields)), failure)
  }
}

function merged(known: PrintStats, fields: StatusChange[string] = {}): PrintStats {
  return {
    filename: textOr(known.filename, fields.filename),
    state: textOr(known.state, fields.state),
    total_duration: numberOr(known.total_duration, fields.total_duration),
    print_duration: numberOr(known.print_duration, fields.print_duration),
    filament_used: numberOr(known.filament_used, fields.filament_used),
    message: textOr(known.message, fields.message),
  }
}

function textOr(known: string, value: unknown): string {
  return typeof value === 'string' ? value : known
}

function numberOr(known: number, value: unknown): number {
  return typeof value === 'number' ? value : known
}

/** Whether two updates, both with a job in progress, are about different jobs. */
function isAnother(before: PrintStats, now: PrintStats): boolean {
  if (!isPrintActive(before.state) || !isPrintActive(now.state)) return false
  return before.filename !== now.filename || now.total_duration < before.total_duration
}

/** The update with the end of a job may already contain the reset stats. */
function lastOf(before: PrintStats, now: PrintStats): PrintStats {
  const forgotten = now.filename !== before.filename || now.total_duration < before.total_duration
  return forgotten && isPrintActive(before.state) ? before : now
}
