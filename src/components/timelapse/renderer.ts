// Renders videos with ffmpeg: one at a time, with low priority, complete or not at all, and again after a crash.
import { copyFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { TimelapseEvent, TimelapseSettings } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import { commandFailure } from '../../core/command-failure.ts'
import { messageOf } from '../../core/errors.ts'
import { findProgram } from '../../core/find-program.ts'
import type { LongJob } from '../../core/long-jobs.ts'
import { makeDurable } from '../../core/make-durable.ts'
import { type CommandResult, runCommand } from '../../core/run-command.ts'
import type { FilesService } from '../files/service.ts'
import { diskFull, hasSpace, problemOf } from './disk-space.ts'
import { readExtraOptions } from './extra-options.ts'
import { frameRate, previewArguments, videoArguments } from './ffmpeg-arguments.ts'
import type { Frames } from './frames.ts'
import type { OutputJob, OutputJobs } from './output-jobs.ts'

/** The time limit of a rendering: small boards need more than a second for a frame. */
const LIMIT_SECONDS = 600
const LIMIT_SECONDS_PER_FRAME = 10
/** Seconds without progress. */
const IDLE_SECONDS = 300
/** Seconds that ffmpeg has to end when it is stopped. */
const GRACE_SECONDS = 2
/** Seconds between two checks of the free space. */
const SPACE_CHECK_SECONDS = 5
/** Bytes of output that an error contains. */
const KEEP_BYTES = 4096

/** What a renderer depends on. */
export interface RendererParts {
  readonly core: Pick<Core, 'clock' | 'log'>
  readonly files: FilesService
  readonly jobs: OutputJobs
  readonly notify: (event: TimelapseEvent) => void
  readonly outputPath: string
  readonly ffmpeg: string
  readonly encoder: string
  /** Bytes that a video leaves free on its disk. */
  readonly minFree: number
  /** A video of a print is ready. Never rejects. */
  readonly onVideo: (frames: Frames, filename: string) => Promise<void>
}

/** ffmpeg failed. */
class RenderError extends Error {
  override readonly name = 'RenderError'
  readonly fields: Partial<TimelapseEvent>

  constructor(message: string, fields: Partial<TimelapseEvent> = {}) {
    super(message)
    this.fields = fields
  }
}

/** One rendering. */
interface Video extends OutputJob {
  readonly frames: Frames
}

export class Renderer {
  readonly #parts: RendererParts

  constructor(parts: RendererParts) {
    this.#parts = parts
  }

  /** Whether ffmpeg is installed. */
  async canRun(): Promise<boolean> {
    return (await findProgram(this.#parts.ffmpeg)) !== null
  }

  /**
   * Renders a video of the frames; resolves with what clients were notified of. `filename` is that of a rendering that
   * was interrupted. Rejects with ApiError 503 when the server stops.
   */
  async render(frames: Frames, filename = ''): Promise<TimelapseEvent> {
    const { jobs, ffmpeg, core } = this.#parts
    if (frames.count === 0) return this.#report({ status: 'skipped', msg: 'no frames to render, skip' })
    if (jobs.isBusy({ kind: 'video', frames }))
      return this.#report({ status: 'running', msg: 'render is already running' })
    if (!(await this.canRun())) return this.#report({ status: 'error', msg: notInstalled(ffmpeg) })
    let started: Partial<TimelapseEvent> = {}
    try {
      return await jobs.run({ kind: 'video', frames, filename }, async output => {
        started = startedFields(output.settings, output.count)
        this.#report({ status: 'started', ...started })
        return await this.#make({ ...output, frames })
      })
    } catch (error) {
      if (jobs.isStopping) throw error
      const msg = problemOf(error, 'the videos')
      core.log.warning(`no video: ${msg}`)
      const fields = error instanceof RenderError ? error.fields : {}
      return this.#report({ status: 'error', ...started, ...fields, msg })
    }
  }

  /** The preview is published before the video: a video whose file exists is done. */
  async #make(video: Video): Promise<TimelapseEvent> {
    const { files, onVideo } = this.#parts
    const { job, frames, settings, count, filename } = video
    const place = await files.roots.locate(`timelapse/${filename}`)
    const previewimage = await files.withStagingPath(place, async draft => {
      await this.#renderTo(draft, video)
      const preview = settings.previewimage ? await this.#addPreview(video) : undefined
      await job.uninterrupted(() =>
        files.lock.run({ write: [place.real] }, () => files.publishFile(draft, place)),
      )
      return preview
    })
    await onVideo(frames, filename)
    return this.#report({
      status: 'success',
      framecount: String(count + settings.duplicatelastframe),
      filename,
      printfile: basename(frames.record.printfile),
      ...(previewimage !== undefined && { previewimage }),
      msg: `Rendering Video successful: ${filename}`,
    })
  }

  async #renderTo(draft: string, { job, frames, settings, count, noteDraft }: Video): Promise<void> {
    const { encoder, ffmpeg } = this.#parts
    const extra = readExtraOptions(settings.extraoutputparams)
    const args = videoArguments({ settings, count, encoder, extra, output: draft })
    const total = count + settings.duplicatelastframe
    let shown = 0
    await noteDraft(basename(draft))
    const progress = (line: string) => {
      const done = Number(/^frame=\s*(\d+)/.exec(line)?.[1] ?? 0)
      const percent = Math.min(100, Math.floor((done / total) * 100))
      if (percent <= shown) return
      shown = percent
      job.progress(percent / 100)
      this.#report({ status: 'running', progress: percent })
    }
    const result = await this.#whileSpace(job, signal =>
      runCommand(ffmpeg, args, {
        timeoutSeconds: LIMIT_SECONDS + total * LIMIT_SECONDS_PER_FRAME,
        idleSeconds: IDLE_SECONDS,
        graceSeconds: GRACE_SECONDS,
        keepBytes: KEEP_BYTES,
        cwd: frames.folder,
        lowPriority: true,
        onLine: progress,
        signal,
      }),
    )
    const size = await stat(draft).then(
      found => found.size,
      () => 0,
    )
    if (result.code !== 0 || size === 0) throw failure(ffmpeg, args, result)
    await makeDurable(draft)
  }

  /** Runs ffmpeg for as long as the disk has space. */
  async #whileSpace<T>(job: LongJob, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { core, outputPath, minFree } = this.#parts
    const full = new AbortController()
    const check = async () => {
      if (!(await hasSpace(outputPath, minFree))) full.abort(new RenderError(diskFull(basename(outputPath))))
    }
    await check()
    full.signal.throwIfAborted()
    const timer = core.clock.every(SPACE_CHECK_SECONDS, () => void check())
    try {
      return await run(AbortSignal.any([full.signal, job.signal]))
    } finally {
      timer.stop()
    }
  }

  /** Stores the last frame next to the video; a failure costs the preview only. */
  async #addPreview({ job, frames, settings, filename }: Video): Promise<string | undefined> {
    const { files, core, ffmpeg } = this.#parts
    const name = `${filename.slice(0, -'.mp4'.length)}.jpg`
    try {
      const place = await files.roots.locate(`timelapse/${name}`)
      await files.withStagingPath(place, async draft => {
        const frame = join(frames.folder, frames.lastFile)
        const args = previewArguments(settings, frame, draft)
        if (args === null) await copyFile(frame, draft)
        else {
          const options = { timeoutSeconds: 60, lowPriority: true, keepBytes: KEEP_BYTES, signal: job.signal }
          const result = await runCommand(ffmpeg, args, options)
          if (result.code !== 0) throw failure(ffmpeg, args, result)
        }
        await makeDurable(draft)
        await files.lock.run({ write: [place.real] }, () => files.publishFile(draft, place))
      })
      return name
    } catch (error) {
      job.signal.throwIfAborted()
      core.log.warning(`no preview of ${filename}: ${messageOf(error)}`)
      return undefined
    }
  }

  #report(fields: Omit<TimelapseEvent, 'action'>): TimelapseEvent {
    const event: TimelapseEvent = { action: 'render', ...fields }
    this.#parts.notify(event)
    return event
  }
}

function startedFields(settings: TimelapseSettings, count: number) {
  const { constant_rate_factor: crf, pixelformat, duplicatelastframe } = settings
  return {
    framecount: String(count + duplicatelastframe),
    settings: { framerate: frameRate(settings, count), crf, pixelformat },
  }
}

function failure(ffmpeg: string, args: readonly string[], result: CommandResult): RenderError {
  const shown = args.map(arg => (arg.startsWith('/') ? basename(arg) : arg))
  return new RenderError(`Rendering Video failed: ${commandFailure('ffmpeg', result)}`, {
    cmd: [basename(ffmpeg), ...shown].join(' '),
    cmdresponse: result.stderr.trim().split('\n').at(-1) ?? '',
  })
}

/** What to do where ffmpeg is missing. */
export function notInstalled(ffmpeg: string): string {
  return `videos cannot be rendered, ${ffmpeg} is missing: install ffmpeg, or set the option ffmpeg_binary_path`
}
