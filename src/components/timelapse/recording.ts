// Follows prints: each has frames of its own, and its end starts the archive and the video.
import type { PrintStats } from '../../api/printer.ts'
import type { TimelapseSettings } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import { sleep, withTimeout } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { Archiver } from './archiver.ts'
import type { Capture } from './capture.ts'
import { problemOf } from './disk-space.ts'
import type { FrameStore } from './frame-store.ts'
import type { Frames } from './frames.ts'
import { type KlipperMacros, MACRO_SETTINGS } from './klipper-macros.ts'
import type { OutputJobs, OutputKind } from './output-jobs.ts'
import type { Renderer } from './renderer.ts'

/** Seconds beyond the limit of the camera until a frame counts as failed, whatever hangs. */
const HANG_SECONDS = 10

/** What a recording depends on. */
export interface RecordingParts {
  readonly core: Pick<Core, 'clock' | 'log' | 'printer'>
  readonly settings: () => Promise<TimelapseSettings>
  readonly store: FrameStore
  readonly capture: Capture
  readonly macros: KlipperMacros
  readonly jobs: OutputJobs
  readonly renderer: Renderer
  readonly archiver: Archiver
  /** Whether frames are deleted when their video is ready. */
  readonly deletesFrames: boolean
}

export class Recording {
  readonly #parts: RecordingParts
  /** Prints start and end one after the other, in the order of their events. */
  readonly #events = new SerialQueue()
  #isPrinting = false
  /** The last frame that was requested. */
  #lastFrame: Promise<void> = Promise.resolve()
  /** Whether a file was selected whose print has not started yet. */
  #isSelected = false

  constructor(parts: RecordingParts) {
    this.#parts = parts
  }

  /** Klippy is ready. */
  ready(): void {
    this.#enqueue(async () => {
      const { macros, settings, core, store } = this.#parts
      await macros.ready()
      const { status } = await core.printer.query({ print_stats: null })
      const { state, filename } = status.print_stats ?? {}
      this.#isPrinting = state === 'printing' || state === 'paused'
      const now = await settings()
      macros.setUp(now)
      macros.setHyperlapse(now, this.#isPrinting)
      // The print has ended while the server was not running.
      const { hasEnded, printfile } = store.current.record
      if (!this.#isPrinting && !hasEnded && printfile !== '')
        this.#finish(state === 'complete' && filename === printfile, now)
    })
  }

  /** Klipper has loaded a file; frames from now on belong to its print. */
  fileSelected(): void {
    this.#enqueue(async () => {
      this.#isSelected = true
      await this.#parts.capture.idle()
      await this.#parts.store.startPrint()
    })
  }

  /** A print has started. */
  started({ filename }: PrintStats): void {
    this.#enqueue(async () => {
      const { store, capture, macros, settings } = this.#parts
      if (!this.#isSelected) {
        await capture.idle()
        await store.startPrint()
      }
      this.#isSelected = false
      this.#isPrinting = true
      macros.setHyperlapse(await settings(), true)
      // Fails on a full disk; what was changed is stored with the next change.
      await store.current.update({ printfile: filename })
    })
  }

  /** A print is in progress: one of an earlier run of the server, or one without frames. */
  found(stats: PrintStats): void {
    const { printfile, hasEnded } = this.#parts.store.current.record
    if (printfile !== stats.filename || hasEnded) this.started(stats)
  }

  /** The history has a record of the print. */
  recorded(jobId: string, filename: string): void {
    this.#enqueue(async () => {
      const { current } = this.#parts.store
      if (current.record.printfile === filename) await current.update({ jobId })
    })
  }

  /** The print has ended. */
  ended(isComplete: boolean): void {
    this.#enqueue(async () => {
      const { capture, macros, settings } = this.#parts
      this.#isPrinting = false
      this.#isSelected = false
      await capture.idle()
      const now = await settings()
      macros.setHyperlapse(now, false)
      this.#finish(isComplete, now)
    })
  }

  /** Klippy has disconnected. */
  gone(): void {
    this.#isPrinting = false
    this.#isSelected = false
  }

  /** Clients have changed settings. */
  settingsChanged(names: ReadonlySet<string>, settings: TimelapseSettings): void {
    const { macros } = this.#parts
    if (!names.isDisjointFrom(MACRO_SETTINGS)) macros.setUp(settings)
    macros.setHyperlapse(settings, this.#isPrinting)
  }

  /**
   * The macro requests a frame. Whatever happens to it, the printer continues: after `park_time`, and when the frame is
   * taken. Never rejects.
   */
  async frameRequested(isHyperlapse: boolean): Promise<void> {
    const { core, macros } = this.#parts
    const frame = this.#frame(isHyperlapse)
    this.#lastFrame = frame.catch(() => undefined)
    try {
      await frame
    } catch (error) {
      core.log.warning(`no frame: ${messageOf(error)}`)
    } finally {
      macros.frameDone()
    }
  }

  /** Resolves when the events and frames up to now are processed. */
  async settled(): Promise<void> {
    await Promise.all([this.#events.idle(), this.#lastFrame])
  }

  async #frame(isHyperlapse: boolean): Promise<void> {
    const { core, capture, settings } = this.#parts
    const limit = capture.timeoutSeconds + HANG_SECONDS
    const hangs = () => new Error(`not taken within ${limit} seconds`)
    const now = await withTimeout(core.clock, limit, settings(), hangs)
    const isWanted = now.enabled && (now.mode === 'layermacro' || isHyperlapse)
    // What happened before belongs to the print before.
    const frame = isWanted ? this.#events.idle().then(() => capture.take()) : Promise.resolve()
    const total = limit + now.stream_delay_compensation
    await Promise.all([sleep(core.clock, now.park_time), withTimeout(core.clock, total, frame, hangs)])
  }

  /** The video and the archive do not hold up the next print. */
  #finish(
    isComplete: boolean,
    { enabled, autorender, saveframes, rendercancelled }: TimelapseSettings,
  ): void {
    const { store, renderer, archiver, jobs, core } = this.#parts
    const frames = store.current
    const isWanted = enabled && frames.count > 0 && (isComplete || rendercancelled)
    const isMissing = (kind: OutputKind) => isWanted && !jobs.isMade({ kind, frames })
    const files = [
      ...(saveframes && isMissing('archive') ? [archiver.archive(frames)] : []),
      ...(autorender && isMissing('video') ? [renderer.render(frames)] : []),
    ]
    Promise.all(files)
      .then(() => this.#enqueue(() => this.#close(frames)))
      .catch(error => core.log.warning(`the end of a print: ${messageOf(error)}`))
  }

  /** The frames of an earlier print are deleted with its record. */
  async #close(frames: Frames): Promise<void> {
    const { store, jobs, deletesFrames } = this.#parts
    if (frames !== store.current) return
    await frames.update({ hasEnded: true })
    if (deletesFrames && jobs.isMade({ kind: 'video', frames })) await store.startPrint()
  }

  #enqueue(work: () => Promise<void>): void {
    this.#events
      .run(work)
      .catch(error =>
        this.#parts.core.log.warning(`the frames of a print: ${problemOf(error, 'the frames')}`),
      )
  }
}
