// Kills a server while it takes frames, renders and archives: no announced frame is lost, no video is incomplete, and what
// was interrupted is made by the next start. KILL_ROUNDS=100 runs more rounds.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { endOfPicture } from '../../../src/components/timelapse/jpeg.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { WebClient } from '../../support/web-client.ts'
import { StubFfmpeg } from './stub-ffmpeg.ts'
import { TestCamera } from './test-camera.ts'
import { jpeg } from './test-jpeg.ts'

const SERVER = fileURLToPath(new URL('../../support/crash-server.ts', import.meta.url))
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 3)
const FRAMES_PER_PRINT = 6

class Bench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'timelapse-kill-'))
  readonly videos = join(this.folder, 'videos')
  readonly frames = join(this.folder, 'frames')
  readonly klippy: FakeKlippy
  readonly camera: TestCamera
  readonly #data = join(this.folder, 'data')
  child: ChildProcess | null = null
  client: WebClient | null = null
  /** The index of the first message that belongs to the newest print. */
  printStart = 0

  constructor(klippy: FakeKlippy, camera: TestCamera) {
    this.klippy = klippy
    this.camera = camera
    const ffmpeg = new StubFfmpeg(join(this.folder, 'bin'))
    const { config, configFile } = dataPaths(this.#data)
    mkdirSync(config, { recursive: true })
    mkdirSync(this.videos)
    writeFileSync(
      configFile,
      '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n' +
        '[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n' +
        `[timelapse]\noutput_path: ${this.videos}\nframe_path: ${this.frames}\nmin_free_space: 0\n` +
        `ffmpeg_binary_path: ${ffmpeg.path}\nstream_delay_compensation: 0\npark_time: 0\nsaveframes: True\n` +
        `[webcam front]\nstream_url: /x\nsnapshot_url: ${camera.url}\n`,
    )
  }

  /** Starts a server; resolves when Klippy is ready. */
  async start(): Promise<WebClient> {
    const child = spawn(process.execPath, [SERVER, this.#data, this.klippy.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.child = child
    const [line] = await once(child.stdout, 'data')
    const client = await WebClient.open(`http://127.0.0.1:${Number(String(line))}`)
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

/** Checks the newest print: consecutive numbers from 1, whole pictures, and all that were announced. */
function checkFrames({ frames }: Bench, announced: readonly number[]): void {
  const newest = readdirSync(frames).sort().at(-1) ?? ''
  const names = readdirSync(join(frames, newest)).filter(name => name.startsWith('frame'))
  assert.deepEqual(
    names.sort(),
    names.map((_, index) => `frame${String(index + 1).padStart(6, '0')}.jpg`),
  )
  for (const name of names) {
    const picture = readFileSync(join(frames, newest, name))
    assert.equal(endOfPicture(picture), picture.length, name)
  }
  assert.ok(names.length >= Math.max(0, ...announced), 'a frame that was announced is lost')
}

/** Each file is made once. Videos of the stub consist of whole pictures; archives end with their directory. */
function checkOutputs({ videos }: Bench): void {
  for (const name of readdirSync(videos)) {
    if (name === '.uploads') continue
    assert.doesNotMatch(name, /-2(\.mp4|_frames\.zip)$/, 'made twice')
    const data = readFileSync(join(videos, name))
    if (name.endsWith('.zip')) assert.equal(data.readUInt32LE(data.length - 22), 0x06054b50, name)
    else {
      let at = 0
      while (at < data.length) {
        const end = endOfPicture(data.subarray(at))
        assert.ok(end !== null, `${name} is not whole`)
        at += end
      }
      assert.ok(at > 0)
    }
  }
}

const PRINTING = { state: 'printing', total_duration: 0, print_duration: 0, filament_used: 0, message: '' }

/** Prints, one print after the other, until the server is killed. */
async function work(bench: Bench, round: number): Promise<void> {
  const { klippy, client } = bench
  const event = (fields: object, from: number) =>
    client?.find(
      ({ method, params }, index) =>
        index >= from &&
        method === 'notify_timelapse_event' &&
        Object.entries(fields).every(([key, value]) => params[0][key] === value),
    )
  for (let count = 0; ; count += 1) {
    const filename = `print-${round}-${count}.gcode`
    bench.printStart = client?.frames.length ?? 0
    klippy.print('File selected')
    klippy.push('print_stats', { ...PRINTING, filename })
    for (let frame = 0; frame < FRAMES_PER_PRINT; frame += 1) {
      const from = client?.frames.length ?? 0
      klippy.call('timelapse_newframe', { macropark: {}, hyperlapse: 'False' })
      await event({ action: 'newframe' }, from)
    }
    const from = client?.frames.length ?? 0
    klippy.push('print_stats', { state: 'complete' })
    await event({ action: 'render', status: 'success' }, from)
  }
}

test(`killed ${ROUNDS} times`, async () => {
  await using klippy = await FakeKlippy.start()
  await using camera = await TestCamera.start()
  camera.answer = (_req, res) => res.end(jpeg(`picture ${camera.requests}`, randomInt(100_000)))
  klippy.change('print_stats', { ...PRINTING, state: 'standby', filename: '' })
  klippy.change('gcode_macro TIMELAPSE_TAKE_FRAME', { enable: true, takingframe: false, is_paused: false })
  await using bench = new Bench(klippy, camera)
  for (let round = 0; round < ROUNDS; round += 1) {
    const client = await bench.start()
    void work(bench, round)
    await client.find(({ method }) => method === 'notify_timelapse_event')
    await new Promise(resolve => setTimeout(resolve, randomInt(300)))
    await bench.kill()
    checkFrames(bench, bench.announced())
    checkOutputs(bench)
  }
  // The last print is complete: its video is made now, if it was not made before.
  klippy.change('print_stats', { state: 'complete' })
  const before = klippy.status.print_stats?.filename
  await bench.start()
  const isWhole = () =>
    readdirSync(bench.videos).some(name => name.includes(String(before)) && name.endsWith('.mp4'))
  while (!isWhole() || existsSync(join(bench.videos, '.uploads')))
    await new Promise(resolve => setTimeout(resolve, 5))
  checkOutputs(bench)
})
