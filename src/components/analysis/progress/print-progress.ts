// The progress of the print by time: what remains by the planned times of its moves, corrected by its pace.

import type { PrintProgress as Reply } from '../../../api/analysis.ts'
import type { PrintStats } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import { binaryGcodePath } from '../../../core/binary-gcode.ts'
import type { Timer } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import type { Infer } from '../../../schema/index.ts'
import type { MetadataSource } from '../../metadata/service.ts'
import type { Analyses } from '../analyses.ts'
import { unpackTable } from '../record.ts'
import { Pace } from './pace.ts'
import { type TimeRows, timeAt } from './time-table.ts'

/** Seconds between two measurements, and two notifications. */
const PERIOD = 5
const REQUEST = {
  print_stats: ['state', 'print_duration'],
  virtual_sdcard: ['file_position', 'progress'],
  gcode_move: ['speed_factor'],
}

/** The print's state as the API describes it. */
export type ProgressReply = Infer<typeof Reply>

/** The print that runs, and what is known of its file. */
interface Job {
  readonly filename: string
  readonly pace: Pace
  points: TimeRows
  slicer: TimeRows
  /** Whether the file sets a speed factor itself: the planned times contain it. */
  setsSpeed: boolean
  /** Seconds that the slicer states for the whole print; null if it does not. */
  estimated: number | null
}

/** What it depends on. */
export interface ProgressParts {
  readonly core: Core
  readonly metadata: MetadataSource
  readonly analyses: Analyses
}

const NO_PRINT: ProgressReply = {
  filename: null,
  state: 'standby',
  source: null,
  progress: null,
  time_left: null,
  total_time: null,
  slicer_time_left: null,
}

export class PrintProgress {
  readonly #parts: ProgressParts
  /** Only keeps the status current. */
  readonly #follower: Follower = {}
  #job: Job | null = null
  #reply: ProgressReply = NO_PRINT
  #timer: Timer | null = null

  constructor(parts: ProgressParts) {
    this.#parts = parts
  }

  /** The latest measurement. */
  get latest(): ProgressReply {
    return this.#reply
  }

  /** A print started, or was found. */
  async start({ filename }: Pick<PrintStats, 'filename'>): Promise<void> {
    const { core } = this.#parts
    this.#timer?.stop()
    const job: Job = { filename, pace: new Pace(), points: [], slicer: [], setsSpeed: false, estimated: null }
    this.#job = job
    this.#timer = core.clock.every(PERIOD, () => void this.measure())
    await core.printer.subscribe(this.#follower, REQUEST).catch(() => undefined)
    await this.#load(job)
    await this.measure()
  }

  /** The print has ended. */
  end(): void {
    if (this.#job === null) return
    this.#timer?.stop()
    this.#timer = null
    this.#job = null
    this.#parts.core.printer.unsubscribe(this.#follower)
    this.#set(NO_PRINT)
  }

  /** A file has a new analysis. */
  async analysed(filename: string): Promise<void> {
    if (this.#job?.filename === filename) await this.#load(this.#job)
  }

  /** Follows the print; never rejects. */
  async measure(): Promise<void> {
    const job = this.#job
    if (job === null) return
    try {
      const { status } = await this.#parts.core.printer.query(REQUEST)
      if (this.#job === job) this.#set(progressOf(job, status))
    } catch (error) {
      this.#parts.core.log.debug(`the progress of the print is not known: ${messageOf(error)}`)
    }
  }

  /** Reads what is known of the file; one that was not analysed yet is analysed first. */
  async #load(job: Job): Promise<void> {
    const { analyses, metadata } = this.#parts
    const names = [job.filename, binaryGcodePath(job.filename)].filter(name => name !== undefined)
    for (const name of names) {
      const { estimated_time: estimated } = await metadata
        .metadata(name)
        .catch(() => ({}) as { estimated_time?: unknown })
      if (typeof estimated === 'number') job.estimated = estimated
      const details = await analyses.of(name).catch(() => undefined)
      if (details === undefined) continue
      job.points = unpackTable(details.points)
      job.slicer = unpackTable(details.slicer)
      job.setsSpeed = details.sets_speed
      return
    }
  }

  #set(reply: ProgressReply): void {
    const before = this.#reply
    this.#reply = reply
    const { connections, presence } = this.#parts.core
    const isNews =
      before.filename !== reply.filename ||
      before.state !== reply.state ||
      reply.time_left !== before.time_left
    if (presence.isPresent && isNews) connections.notify('notify_print_progress', reply)
  }
}

type Status = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>

function progressOf(job: Job, { print_stats, virtual_sdcard, gcode_move }: Status): ProgressReply {
  const state = typeof print_stats?.state === 'string' ? print_stats.state : 'standby'
  const printed = numberOf(print_stats?.print_duration)
  const position = numberOf(virtual_sdcard?.file_position)
  const byFile = numberOf(virtual_sdcard?.progress)
  const slicer = timeAt(job.slicer, position)
  const base = { filename: job.filename, state, slicer_time_left: slicer === null ? null : rounded(slicer) }
  const total = job.points.at(-1)?.[1]
  if (total !== undefined && total > 0) {
    const planned = timeAt(job.points, position) ?? 0
    const speedFactor = job.setsSpeed ? 1 : speedFactorOf(gcode_move)
    job.pace.measure({ planned, printed, speedFactor })
    const left = ((total - planned) * job.pace.value) / speedFactor
    return {
      ...base,
      source: 'analysis',
      progress: planned / total,
      time_left: rounded(left),
      total_time: rounded(printed + left),
    }
  }
  if (slicer !== null) {
    const whole = slicer + printed
    const share = whole > 0 ? printed / whole : 1
    return {
      ...base,
      source: 'slicer',
      progress: share,
      time_left: rounded(slicer),
      total_time: rounded(whole),
    }
  }
  const left = job.estimated === null ? byPosition(printed, byFile) : job.estimated * (1 - byFile)
  return {
    ...base,
    source: job.estimated === null ? 'file' : 'slicer',
    progress: byFile,
    time_left: left === null ? null : rounded(left),
    total_time: left === null ? null : rounded(printed + left),
  }
}

/** As a person has set it, within limits: a factor near 0 would make the time left endless. */
function speedFactorOf(move: Status[string]): number {
  return Math.min(100, Math.max(0.01, numberOf(move?.speed_factor) || 1))
}

/** Null before the first percent, which is too small for a forecast. */
function byPosition(printed: number, share: number): number | null {
  return share < 0.01 ? null : (printed / share) * (1 - share)
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function rounded(seconds: number): number {
  return Math.max(0, Math.round(seconds * 10) / 10)
}
