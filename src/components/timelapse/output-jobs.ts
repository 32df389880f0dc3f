// Long jobs that make a file of the frames of a print: they keep the frames, choose the file's name, and leave a record
// with which the next run of the server repeats a job that was interrupted.
import { basename, join } from 'node:path'
import type { TimelapseSettings } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import { type LongJob, LongJobs } from '../../core/long-jobs.ts'
import type { PlainData } from '../../core/plain-data.ts'
import { choice, type Infer, object, readOr, string } from '../../schema/index.ts'
import { StoredJobRecords } from '../../storage/index.ts'
import { problemOf } from './disk-space.ts'
import { VIDEO_OUTPUT } from './ffmpeg-arguments.ts'
import type { FrameStore } from './frame-store.ts'
import type { Frames } from './frames.ts'
import { endLeftOver } from './left-over-ffmpeg.ts'
import { exists, unusedName } from './output-names.ts'

/** The kinds of files: the ends of their names, and where the record of a print has how many frames they contain. */
const KINDS = {
  video: { ending: '.mp4', made: 'rendered' },
  archive: { ending: '_frames.zip', made: 'archived' },
} as const
export type OutputKind = keyof typeof KINDS

/** What a record contains. */
const Details = object({
  kind: choice('video', 'archive'),
  /** The name of the folder with the frames. */
  frames: string(),
  /** The file in the output folder; '' before it has a name. */
  filename: string(),
  /** The name of the file that ffmpeg writes until the video is complete; '' before it starts. */
  draft: string().default(''),
})

/** What is made. */
export interface OutputRequest {
  readonly kind: OutputKind
  readonly frames: Frames
  /** The name that an interrupted job has chosen; '' for a new job. */
  readonly filename: string
}

/** What the work of a job receives. */
export interface OutputJob {
  readonly job: LongJob
  readonly filename: string
  readonly settings: TimelapseSettings
  /** The number of frames when it starts. */
  readonly count: number
  /** Stores the name of the draft; await it before ffmpeg starts. */
  readonly noteDraft: (draft: string) => Promise<void>
}

/** What the jobs depend on. */
export interface OutputJobParts {
  readonly core: Pick<Core, 'clock' | 'log' | 'printer' | 'storage'>
  readonly store: FrameStore
  readonly settings: () => Promise<TimelapseSettings>
  readonly outputPath: string
}

export class OutputJobs {
  readonly #parts: OutputJobParts
  readonly #jobs: LongJobs
  /** The kinds and prints of the jobs that run or wait. */
  readonly #busy = new Set<string>()
  #isStopping = false

  constructor(parts: OutputJobParts) {
    const { clock, log, printer, storage } = parts.core
    const records = new StoredJobRecords(storage.namespaces, 'timelapse')
    this.#parts = parts
    this.#jobs = new LongJobs({ records, clock, log, isPrinterBusy: () => printer.isBusy() })
  }

  /** Whether the server ends the jobs, and the next run repeats them. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Whether a file of this kind is being made of the frames, or waits for that. */
  isBusy({ kind, frames }: Pick<OutputRequest, 'kind' | 'frames'>): boolean {
    return this.#busy.has(`${kind} ${frames.name}`)
  }

  /** Whether the last file of this kind contains all frames. */
  isMade({ kind, frames }: Pick<OutputRequest, 'kind' | 'frames'>): boolean {
    return frames.record[KINDS[kind].made] === frames.count
  }

  /** Runs a job after those of its kind that run. Rejects as `LongJobs.run` does. */
  async run<T>({ kind, frames, filename }: OutputRequest, work: (job: OutputJob) => Promise<T>): Promise<T> {
    const key = `${kind} ${frames.name}`
    const title = `${kind} of ${basename(frames.record.printfile) || 'the frames'}`
    const details: Record<string, PlainData> = { kind, frames: frames.name, filename }
    this.#busy.add(key)
    try {
      return await this.#parts.store.use(frames, () =>
        this.#jobs.run({ title, key: kind, whileOther: 'wait', whilePrinting: 'run', details }, async job => {
          const settings = await this.#parts.settings()
          const { count } = frames
          const name = filename || (await this.#name(kind, frames, settings))
          const named = { ...details, filename: name }
          await job.note(named)
          const noteDraft = (draft: string) => job.note({ ...named, draft })
          const result = await work({ job, filename: name, settings, count, noteDraft })
          // The file is made, and clients have been notified.
          await frames.update({ [KINDS[kind].made]: count }).catch((error: unknown) => {
            this.#parts.core.log.warning(`the ${title} is not recorded: ${problemOf(error, 'the frames')}`)
          })
          return result
        }),
      )
    } finally {
      this.#busy.delete(key)
    }
  }

  #name(kind: OutputKind, { record: { printfile } }: Frames, settings: TimelapseSettings): Promise<string> {
    const { core, outputPath } = this.#parts
    const now = new Date(core.clock.now() * 1000)
    return unusedName(outputPath, { printfile, settings, ending: KINDS[kind].ending, now })
  }

  /**
   * The jobs that the previous run did not finish; forgets them. Ends their ffmpeg; a job whose ffmpeg cannot be ended is
   * kept for the next start.
   */
  async interrupted(): Promise<OutputRequest[]> {
    const requests: OutputRequest[] = []
    for (const { id, title, details: stored } of this.#jobs.interrupted()) {
      const details = readOr(Details, stored, null)
      if (details !== null && details.draft !== '' && !(await endLeftOver(details.draft, VIDEO_OUTPUT))) {
        this.#parts.core.log.warning(
          `the ${title} is not repeated: its ffmpeg of before the restart still runs and cannot be ended`,
        )
        continue
      }
      requests.push(...(await this.#unfinished(details)))
      await this.#jobs.settle(id)
    }
    return requests
  }

  /** The server may have been killed when the file was complete. */
  async #unfinished(details: Infer<typeof Details> | null): Promise<OutputRequest[]> {
    const { store, outputPath } = this.#parts
    const frames = details === null ? null : await store.find(details.frames)
    if (details === null || frames === null) return []
    const { kind, filename } = details
    if (filename === '' || !(await exists(join(outputPath, filename)))) return [{ kind, frames, filename }]
    await frames.update({ [KINDS[kind].made]: frames.count })
    return []
  }

  /** Cancels all jobs; returns how many. */
  cancelAll(): number {
    const jobs = this.#jobs.list().filter(({ canBeCancelled }) => canBeCancelled)
    for (const { id } of jobs) this.#jobs.cancel(id)
    return jobs.length
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#jobs.stop()
  }
}
