// Makes jobs out of what Klipper says of its print: each beginning, pause and end is told exactly once.
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

/** Klippy pushes on quarters of a second, so that short jobs may begin and end between two of them. */
export class JobState {
  readonly #events: EventBus
  #last: PrintStats = NOTHING
  /** Whether a beginning was told and no end. */
  #running = false

  constructor(events: EventBus) {
    this.#events = events
  }

  /** What Klipper said last. */
  get stats(): PrintStats {
    return this.#last
  }

  /** Takes what a Klippy that has become ready says first. */
  begin(first: StatusChange[string]): void {
    const now = merged(NOTHING, first)
    this.#last = now
    if (!isPrintActive(now.state)) return
    this.#running = true
    this.#events.emit('job:found', now)
  }

  /** Takes a change. */
  change(fields: StatusChange[string]): void {
    const before = this.#last
    const now = merged(before, fields)
    this.#last = now
    if (isAnother(before, now)) this.#tellAnother(before, now)
    else if (now.state !== before.state) this.#tellState(before, now)
  }

  /** One job has taken the place of another; how the first ended was not seen. */
  #tellAnother(before: PrintStats, now: PrintStats): void {
    if (this.#running) this.#end('job:cancelled', before)
    this.#start(now)
    if (now.state === 'paused') this.#events.emit('job:paused', now)
  }

  #tellState(before: PrintStats, now: PrintStats): void {
    const { state } = now
    if (state === 'standby') this.#standby(before)
    else if (state === 'printing' && this.#running) this.#events.emit('job:resumed', now)
    else this.#tellOther(before, now)
  }

  #tellOther(before: PrintStats, now: PrintStats): void {
    const { state } = now
    if (!this.#running && !isPrintActive(before.state)) this.#start(now)
    if (!this.#running) return
    if (state === 'paused') this.#events.emit('job:paused', now)
    if (state === 'complete') this.#end('job:completed', lastOf(before, now))
    if (state === 'cancelled') this.#end('job:cancelled', lastOf(before, now))
    if (state === 'error') this.#fail(lastOf(before, now), 'error')
  }

  #start(now: PrintStats): void {
    this.#running = true
    this.#events.emit('job:started', now)
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
   * Klippy can print no more until it is restarted: a job that is under way has failed. `fields` are the last ones of
   * print_stats, which may have come in the same update.
   */
  lost(failure: Exclude<JobFailure, 'error'>, fields?: StatusChange[string]): void {
    if (this.#running) this.#fail(lastOf(this.#last, merged(this.#last, fields)), failure)
  }
}

function merged(known: PrintStats, fields: StatusChange[string] = {}): PrintStats {
  const text = (name: 'filename' | 'state' | 'message') => {
    const value = fields[name]
    return typeof value === 'string' ? value : known[name]
  }
  const number = (name: 'total_duration' | 'print_duration' | 'filament_used') => {
    const value = fields[name]
    return typeof value === 'number' ? value : known[name]
  }
  return {
    filename: text('filename'),
    state: text('state'),
    total_duration: number('total_duration'),
    print_duration: number('print_duration'),
    filament_used: number('filament_used'),
    message: text('message'),
  }
}

/** Whether two pushes, both with a job under way, tell of different jobs. */
function isAnother(before: PrintStats, now: PrintStats): boolean {
  if (!isPrintActive(before.state) || !isPrintActive(now.state)) return false
  return before.filename !== now.filename || now.total_duration < before.total_duration
}

/** Klipper may have begun to forget the job with the push that tells its end. */
function lastOf(before: PrintStats, now: PrintStats): PrintStats {
  const forgotten = now.filename !== before.filename || now.total_duration < before.total_duration
  return forgotten && isPrintActive(before.state) ? before : now
}
