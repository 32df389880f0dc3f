// [timelapse]: pictures of a webcam while a print runs, and a video of them after it.
import { timelapse as chapter, type TimelapseEvent, timelapseSettings } from '../../api/timelapse.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import type { ServeChapter } from '../../component/starting.ts'
import { path } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { makeFolders } from '../../core/make-folders.ts'
import type { Registration, Scope } from '../../core/scope.ts'
import { demandRole } from '../../rpc/user.ts'
import { bool, float, type InferShape, int, optionalFields, string } from '../../schema/index.ts'
import { type FilesService, filesService } from '../files/service.ts'
import { type JobFields, jobFieldsService } from '../history/service.ts'
import { webcamService } from '../webcam/service.ts'
import { Archiver } from './archiver.ts'
import { Capture } from './capture.ts'
import { readExtraOptions } from './extra-options.ts'
import { FrameStore } from './frame-store.ts'
import type { Frames } from './frames.ts'
import { KlipperMacros } from './klipper-macros.ts'
import { describeMacros, installMacros } from './macro-file.ts'
import { OutputJobs } from './output-jobs.ts'
import { Recording } from './recording.ts'
import { notInstalled, Renderer } from './renderer.ts'
import { type Cameras, type FixedSettings, Settings } from './settings.ts'

const MIB = 1024 ** 2

const ownOptions = {
  output_path: path().describe('The folder of the videos').default('~/timelapse/'),
  frame_path: path().describe('The folder of the frames').default('{data_path}/timelapse_frames'),
  ffmpeg_binary_path: path().describe('The program ffmpeg').default('/usr/bin/ffmpeg'),
  wget_skip_cert_check: bool().describe('Accept any certificate of the camera').default(false),
  encoder: string()
    .describe("ffmpeg's encoder, such as h264_v4l2m2m for the hardware of a board")
    .default('libx264'),
  snapshot_timeout: float({ above: 0, max: 30 })
    .describe('The longest time for a picture; the head waits for it')
    .unit('s')
    .default(3),
  min_free_space: int({ min: 0 })
    .describe('Space that frames and videos leave free on their disks')
    .unit('MiB')
    .default(100),
  delete_rendered_frames: bool()
    .describe(
      'Delete the frames of a complete print when its video is ready; otherwise when the next print starts',
    )
    .default(false),
}

const options = { ...ownOptions, ...optionalFields(timelapseSettings) }

type Options = InferShape<typeof options>

/** What the component works with. */
interface Parts {
  readonly core: Core
  readonly files: FilesService
  readonly cameras: Cameras
  readonly jobFields: () => JobFields | null
}

class Timelapse {
  readonly settings: Settings
  readonly store: FrameStore
  readonly capture: Capture
  readonly jobs: OutputJobs
  readonly renderer: Renderer
  readonly archiver: Archiver
  readonly macros: KlipperMacros
  readonly recording: Recording
  readonly #parts: Parts
  readonly #options: Options
  #canRender = true
  #framesRoot: Registration | null = null

  constructor(parts: Parts, given: Options) {
    const { core, files, cameras } = parts
    const { output_path: outputPath, encoder } = given
    const minFree = given.min_free_space * MIB
    const notify = (event: TimelapseEvent) => core.connections.notify('notify_timelapse_event', event)
    this.#parts = parts
    this.#options = given
    this.settings = new Settings({
      namespaces: core.storage.namespaces,
      cameras,
      fixed: fixedSettings(given),
      canRender: () => this.#canRender,
    })
    const settings = () => this.settings.read()
    const store = new FrameStore({
      path: given.frame_path,
      log: core.log,
      onChange: frames => this.#serveFrames(frames),
    })
    this.store = store
    this.jobs = new OutputJobs({ core, store, settings, outputPath })
    this.capture = new Capture({
      core,
      store,
      settings,
      notify,
      timeoutSeconds: given.snapshot_timeout,
      insecure: given.wget_skip_cert_check,
      minFree,
    })
    this.archiver = new Archiver({ core, files, jobs: this.jobs })
    this.renderer = new Renderer({
      core,
      files,
      jobs: this.jobs,
      notify,
      outputPath,
      ffmpeg: given.ffmpeg_binary_path,
      encoder,
      minFree,
      onVideo: (frames, filename) => this.#addToHistory(frames, filename),
    })
    this.macros = new KlipperMacros(core)
    this.recording = new Recording({
      core,
      settings,
      store,
      capture: this.capture,
      macros: this.macros,
      jobs: this.jobs,
      renderer: this.renderer,
      archiver: this.archiver,
      deletesFrames: given.delete_rendered_frames,
    })
  }

  async start(): Promise<void> {
    const { core, files } = this.#parts
    const { output_path, ffmpeg_binary_path } = this.#options
    // A folder that is missing is a warning of its root.
    await makeFolders(output_path).catch(() => undefined)
    files.serveRoot({ name: 'timelapse', path: output_path, writable: true, observed: true })
    await this.store.open()
    this.#canRender = await this.renderer.canRun()
    if (!this.#canRender) core.warnings.add(`[timelapse]: ${notInstalled(ffmpeg_binary_path)}`)
    for (const { kind, frames, filename } of await this.jobs.interrupted()) {
      const made =
        kind === 'video' ? this.renderer.render(frames, filename) : this.archiver.archive(frames, filename)
      made.catch((error: unknown) => core.log.warning(messageOf(error)))
    }
  }

  /** Makes a video of the frames so far. */
  async render(): Promise<TimelapseEvent> {
    await this.recording.settled()
    return this.renderer.render(this.store.current)
  }

  /** Makes an archive of the frames so far. */
  async archive(): Promise<TimelapseEvent> {
    await this.recording.settled()
    return this.archiver.archive(this.store.current)
  }

  async stop(): Promise<void> {
    this.capture.stop()
    await this.jobs.stop()
  }

  /** Front-ends expect the frames of the newest print directly in the root. */
  #serveFrames({ folder }: Frames): void {
    this.#framesRoot = this.#parts.files.serveRoot({
      name: 'timelapse_frames',
      path: folder,
      writable: false,
    })
  }

  /** Stops serving the folders. */
  unserve(): void {
    this.#framesRoot?.remove()
  }

  async #addToHistory({ record: { jobId } }: Frames, filename: string): Promise<void> {
    await this.#parts.jobFields()?.record(jobId, {
      provider: 'timelapse',
      name: 'video',
      value: `timelapse/${filename}`,
      description: 'Time-lapse video',
      units: null,
    })
  }
}

function fixedSettings(given: Options): FixedSettings {
  const names = Object.keys(timelapseSettings) as (keyof typeof timelapseSettings)[]
  return Object.fromEntries(names.flatMap(name => (given[name] === undefined ? [] : [[name, given[name]]])))
}

function serve(serveChapter: ServeChapter, scope: Scope, files: FilesService, parts: Timelapse): void {
  const { settings, store, jobs, recording } = parts
  scope.use(
    serveChapter(chapter, {
      'machine.timelapse.get_settings': () => settings.read(),
      'machine.timelapse.post_settings': async (change, caller) => {
        if (change.extraoutputparams !== undefined) {
          demandRole(caller, 'admin')
          readExtraOptions(change.extraoutputparams)
        }
        const changed = await settings.change(change)
        const now = await settings.read()
        recording.settingsChanged(changed, now)
        return now
      },
      'machine.timelapse.lastframeinfo': () => {
        const { count, lastFile } = store.current
        return { framecount: count, lastframefile: lastFile }
      },
      'machine.timelapse.render': () => parts.render(),
      'machine.timelapse.saveframes': () => parts.archive(),
      'machine.timelapse.cancel': () => ({ cancelled: jobs.cancelAll() }),
      'machine.timelapse.get_macros': () => describeMacros(files),
      'machine.timelapse.post_macros': ({ replace }) => installMacros(files, replace),
    }),
  )
}

/** Macros write booleans as Python does, and in capitals. */
function isTrue(argument: unknown): boolean {
  return String(argument).toLowerCase() === 'true'
}

/** What Klipper's macros call, with the arguments as texts. */
function serveMacros({ printer: { session } }: Core, scope: Scope, parts: Timelapse): void {
  const { recording, macros } = parts
  const methods = {
    timelapse_newframe: ({ hyperlapse }: Readonly<Record<string, unknown>>) =>
      recording.frameRequested(isTrue(hyperlapse)),
    timelapse_render: async ({ byrendermacro }: Readonly<Record<string, unknown>>) => {
      // Only the macro of this name waits.
      await parts.render().finally(() => (isTrue(byrendermacro) ? macros.renderDone() : undefined))
    },
    timelapse_saveFrames: async () => {
      await parts.archive()
    },
  }
  for (const [name, method] of Object.entries(methods)) {
    session.addRemoteMethod(name, method)
    scope.defer(() => session.removeRemoteMethod(name))
  }
}

function follow({ events }: Core, scope: Scope, { recording }: Timelapse): void {
  const all = [
    events.on('klippy:ready', () => recording.ready()),
    events.on('klippy:disconnected', () => recording.gone()),
    events.on('klippy:gcode_response', line =>
      line === 'File selected' ? recording.fileSelected() : undefined,
    ),
    events.on('job:started', stats => recording.started(stats)),
    events.on('job:found', stats => recording.found(stats)),
    events.on('job:completed', () => recording.ended(true)),
    events.on('job:cancelled', () => recording.ended(false)),
    // Klippy may still print: `ready` finds out.
    events.on('job:error', (_stats, failure) =>
      failure === 'klippy_disconnect' ? undefined : recording.ended(false),
    ),
    events.on('job:standby', (_stats, wasRunning) => (wasRunning ? recording.ended(false) : undefined)),
    events.on('history:changed', (action, job) =>
      action === 'added' ? recording.recorded(job.job_id, job.filename) : undefined,
    ),
  ]
  for (const registration of all) scope.use(registration)
}

export default component({
  section: 'timelapse',
  presence: 'configured',
  options,
  onInvalid: 'use default',
  needs: { files: filesService, cameras: webcamService, jobFields: optional(jobFieldsService) },
  create({ core, section, scope, needs: { files, cameras, jobFields }, serveAfterStart }) {
    const parts = new Timelapse({ core, files, cameras, jobFields }, section.options)
    for (const name of ['timelapse', 'timelapse_frames']) scope.use(files.announceRoot(name))
    serve(serveAfterStart, scope, files, parts)
    serveMacros(core, scope, parts)
    follow(core, scope, parts)
    scope.defer(() => parts.unserve())
    return { start: () => parts.start(), stop: () => parts.stop() }
  },
})
