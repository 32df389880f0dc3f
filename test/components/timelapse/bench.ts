// A server with [timelapse] in a process of its own, in a folder of its own, with a camera and an ffmpeg of the test.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataPaths } from '../../../src/core/paths.ts'
import type { FakeKlippy } from '../../support/fake-klippy.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { WebClient } from '../../support/web-client.ts'
import { StubFfmpeg } from './stub-ffmpeg.ts'
import type { TestCamera } from './test-camera.ts'

export class Bench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'timelapse-kill-'))
  readonly videos = join(this.folder, 'videos')
  readonly frames = join(this.folder, 'frames')
  readonly klippy: FakeKlippy
  readonly camera: TestCamera
  readonly ffmpeg = new StubFfmpeg(join(this.folder, 'bin'))
  readonly #data = join(this.folder, 'data')
  child: ChildProcess | null = null
  client: WebClient | null = null
  /** The index of the first message that belongs to the newest print. */
  printStart = 0

  constructor(klippy: FakeKlippy, camera: TestCamera) {
    this.klippy = klippy
    this.camera = camera
    const { config, configFile } = dataPaths(this.#data)
    mkdirSync(config, { recursive: true })
    mkdirSync(this.videos)
    writeFileSync(
      configFile,
      `[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\nklippy_uds_address: ${klippy.path}\n` +
        '[authorization]\ntrusted_clients: 127.0.0.1\n' +
        '[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n' +
        `[timelapse]\noutput_path: ${this.videos}\nframe_path: ${this.frames}\nmin_free_space: 0\n` +
        `ffmpeg_binary_path: ${this.ffmpeg.path}\nstream_delay_compensation: 0\npark_time: 0\nsaveframes: True\n` +
        `[webcam front]\nstream_url: /x\nsnapshot_url: ${camera.url}\n`,
    )
  }

  /** Starts a server; resolves when Klippy is ready. `env` is added to its environment. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<WebClient> {
    const { child, port } = await startServerProcess(this.#data, { env })
    this.child = child
    const client = await WebClient.open(`http://127.0.0.1:${port}`)
    this.client = client
    this.printStart = 0
    const { result } = await client.call('server.info')
    if (result.klippy_state !== 'ready') await client.notified('notify_klippy_ready')
    return client
  }

  async kill(): Promise<void> {
    const { child } = this
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    this.client?.[Symbol.dispose]()
  }

  /** The numbers of the frames of the newest print that clients were notified of, in this run of the server. */
  announced(): number[] {
    return (this.client?.frames ?? [])
      .slice(this.printStart)
      .filter(({ method, params }) => method === 'notify_timelapse_event' && params[0].action === 'newframe')
      .map(({ params }) => Number(params[0].frame))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
