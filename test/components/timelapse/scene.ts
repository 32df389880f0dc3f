// A server with [timelapse], a Klippy with the macros, a camera and an ffmpeg that the test controls, and a client.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { StubFfmpeg } from './stub-ffmpeg.ts'
import { TestCamera } from './test-camera.ts'

export const RELEASE = 'SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=takingframe VALUE=False'

const MACROS = {
  'gcode_macro TIMELAPSE_TAKE_FRAME': { enable: true, takingframe: false, is_paused: false },
  'gcode_macro HYPERLAPSE': { run: false, cycle: 0 },
  'gcode_macro TIMELAPSE_RENDER': { render: false },
}

const STANDBY = {
  state: 'standby',
  filename: '',
  total_duration: 0,
  print_duration: 0,
  filament_used: 0,
  message: '',
}

export interface SceneOptions {
  /** Further lines of [timelapse]. */
  readonly options?: string
  /** Further sections. */
  readonly conf?: string
  readonly hasWebcam?: boolean
  /** MiB. */
  readonly minFree?: number
  /** Seconds that the camera has. */
  readonly snapshotTimeout?: number
  readonly authorization?: string
}

export class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'timelapse-'))
  readonly videos = join(this.folder, 'videos')
  readonly frames = join(this.folder, 'frames')
  readonly ffmpeg = new StubFfmpeg(join(this.folder, 'bin'))
  readonly klippy: FakeKlippy
  readonly camera: TestCamera
  readonly #options: SceneOptions
  #running: { readonly rig: Rig; readonly client: WebClient } | null = null

  private constructor(klippy: FakeKlippy, camera: TestCamera, options: SceneOptions) {
    this.klippy = klippy
    this.camera = camera
    this.#options = options
  }

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const [klippy, camera] = await Promise.all([FakeKlippy.start(), TestCamera.start()])
    for (const [name, fields] of Object.entries(MACROS)) klippy.change(name, fields)
    klippy.change('print_stats', STANDBY)
    const scene = new Scene(klippy, camera, options)
    try {
      await scene.startServer()
      return scene
    } catch (error) {
      await scene[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Starts a server on what an earlier one has left, apart from its database. */
  async startServer(): Promise<void> {
    const { options = '', conf = '', hasWebcam = true, authorization } = this.#options
    const { minFree = 0, snapshotTimeout = 30 } = this.#options
    const webcam = hasWebcam ? `[webcam front]\nstream_url: /webcam\nsnapshot_url: ${this.camera.url}\n` : ''
    const rig = await startRig({
      klippySocket: this.klippy.path,
      ready: true,
      // The limit of a frame that hangs must not pass on a machine that is busy.
      clock: quickClock(4),
      ...(authorization !== undefined && { authorization }),
      conf:
        `[timelapse]\noutput_path: ${this.videos}\nframe_path: ${this.frames}\nmin_free_space: ${minFree}\n` +
        `ffmpeg_binary_path: ${this.ffmpeg.path}\nsnapshot_timeout: ${snapshotTimeout}\n${options}\n${webcam}${conf}`,
    })
    const client = await WebClient.open(rig.url)
    this.#running = { rig, client }
  }

  get rig(): Rig {
    return this.#now().rig
  }

  get client(): WebClient {
    return this.#now().client
  }

  #now() {
    if (this.#running === null) throw new Error('the server of the scene does not run')
    return this.#running
  }

  async stopServer(): Promise<void> {
    this.#running?.client[Symbol.dispose]()
    await this.#running?.rig[Symbol.asyncDispose]()
    this.#running = null
  }

  /** Calls a method; resolves with its result. */
  async call(method: string, params?: unknown): Promise<Frame> {
    const { result, error } = await this.client.call(`machine.timelapse.${method}`, params)
    if (error !== undefined) throw Object.assign(new Error(error.message), error)
    return result
  }

  /** Resolves with the `times`-th event that has these fields. */
  async event(fields: Readonly<Record<string, unknown>>, times = 1): Promise<Frame> {
    let seen = 0
    const { params } = await this.client.find(({ method, params }) => {
      if (method !== 'notify_timelapse_event') return false
      if (Object.entries(fields).every(([key, value]) => params[0][key] === value)) seen += 1
      return seen === times
    })
    return params[0]
  }

  /** All events so far. */
  get events(): Frame[] {
    return this.client.frames
      .filter(({ method }) => method === 'notify_timelapse_event')
      .map(({ params }) => params[0])
  }

  /** The scripts that Klippy got. */
  get scripts(): string[] {
    return this.klippy.requests
      .filter(({ method }) => method === 'gcode/script')
      .map(({ params }) => String(params.script))
  }

  /** Resolves when Klippy has got the script for the `times`-th time. */
  async script(script: string, times = 1): Promise<void> {
    for (
      let count = this.scripts.length;
      this.scripts.filter(each => each === script).length < times;
      count += 1
    )
      await this.klippy.waitFor('gcode/script', count + 1)
  }

  /** Starts a print, as Klippy reports it. */
  async print(filename: string): Promise<void> {
    this.klippy.print(`File opened:${filename} Size:100`)
    this.klippy.print('File selected')
    this.klippy.push('print_stats', { ...STANDBY, state: 'printing', filename })
    await this.client.find(
      ({ method, params }) =>
        method === 'notify_history_changed' &&
        params[0].action === 'added' &&
        params[0].job.filename === filename,
    )
  }

  /** Ends the print. */
  end(state: 'complete' | 'cancelled' | 'error'): void {
    if (state === 'complete') this.klippy.print('Done printing file')
    this.klippy.push('print_stats', { state })
  }

  /** The macro requests a frame; resolves when the printer may go on. */
  async frame(hyperlapse = 'False'): Promise<void> {
    const before = this.scripts.filter(script => script === RELEASE).length
    this.klippy.call('timelapse_newframe', { macropark: { enable: true }, hyperlapse })
    await this.script(RELEASE, before + 1)
  }

  /** The files of the newest print. */
  frameFiles(): string[] {
    const newest = readdirSync(this.frames).sort().at(-1) ?? ''
    return readdirSync(join(this.frames, newest)).filter(name => !name.startsWith('.'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopServer()
    await this.camera[Symbol.asyncDispose]()
    await this.klippy[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
