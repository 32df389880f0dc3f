// Takes frames, one at a time, when Klipper's macros request them.
import type { TimelapseEvent, TimelapseSettings } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import { sleep } from '../../core/clock.ts'
import { diskFull, hasSpace, problemOf } from './disk-space.ts'
import type { FrameStore } from './frame-store.ts'
import { takeSnapshot } from './snapshot.ts'

/** What a capture depends on. */
export interface CaptureParts {
  readonly core: Pick<Core, 'clock' | 'log' | 'host'>
  readonly store: FrameStore
  readonly notify: (event: TimelapseEvent) => void
  readonly settings: () => Promise<TimelapseSettings>
  /** See `Capture.timeoutSeconds`. */
  readonly timeoutSeconds: number
  readonly insecure: boolean
  /** Bytes that frames leave free on their disk. */
  readonly minFree: number
}

export class Capture {
  readonly #parts: CaptureParts
  readonly #ending = new AbortController()
  #running: Promise<void> | null = null
  /** The last problem: each is logged once, and a full disk is notified once. */
  #problem: string | null = null

  constructor(parts: CaptureParts) {
    this.#parts = parts
  }

  /** Seconds that a camera has for a picture. */
  get timeoutSeconds(): number {
    return this.#parts.timeoutSeconds
  }

  /** Takes a frame, unless one is being taken. Resolves when it is stored or has failed; never rejects. */
  async take(): Promise<void> {
    if (this.#running !== null) {
      this.#parts.core.log.debug('a frame is left out: the one before is still being taken')
      return
    }
    this.#running = this.#take().catch(error => this.#failed(problemOf(error, CONTENT)))
    await this.#running
    this.#running = null
  }

  /** Resolves when no frame is being taken. */
  async idle(): Promise<void> {
    await this.#running
  }

  stop(): void {
    this.#ending.abort(new Error('the server stops'))
  }

  async #take(): Promise<void> {
    const { core, store, settings, timeoutSeconds, insecure, minFree, notify } = this.#parts
    const { signal } = this.#ending
    const frames = store.current
    const { stream_delay_compensation: delay, snapshoturl: url } = await settings()
    if (!(await hasSpace(frames.folder, minFree))) return this.#failed(diskFull(CONTENT))
    await sleep(core.clock, delay, signal)
    const picture = await takeSnapshot(core.host.http, { url, timeoutSeconds, insecure, signal })
    await frames.add(picture)
    this.#problem = null
    notify({ action: 'newframe', frame: String(frames.count), framefile: frames.lastFile, status: 'success' })
  }

  /** Mainsail reads the last frame from failures too. */
  #failed(problem: string): void {
    const { core, store, notify } = this.#parts
    if (this.#ending.signal.aborted) return
    const isKnown = problem === this.#problem
    this.#problem = problem
    if (!isKnown) core.log.warning(`no frame: ${problem}`)
    if (isKnown && problem === diskFull(CONTENT)) return
    const { count, lastFile } = store.current
    notify({ action: 'newframe', status: 'error', frame: String(count), framefile: lastFile, msg: problem })
  }
}

const CONTENT = 'the frames'
