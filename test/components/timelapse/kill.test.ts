// Kills a server while it takes frames, renders and archives: no announced frame is lost, no video is incomplete, and what
// was interrupted is made by the next start, which ends the ffmpeg that is left. KILL_ROUNDS=100 runs more rounds.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { endOfPicture } from '../../../src/components/timelapse/jpeg.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { WebClient } from '../../support/web-client.ts'
import { StubFfmpeg } from './stub-ffmpeg.ts'
import { TestCamera } from './test-camera.ts'
import { jpeg } from './test-jpeg.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2)
const FRAMES_PER_PRINT = 6

class Bench implements AsyncDisposable {
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

  /** Starts a server; resolves when Klippy is ready. */
  async start(): Promise<WebClient> {
    const { child, port } = await startServerProcess(this.#data)
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
  // What the last kill has left does not disturb the next print.
  const client = await bench.start()
  void work(bench, ROUNDS)
  await client.find(
    ({ method, params }) =>
      method === 'notify_timelapse_event' && params[0].filename?.includes(`print-${ROUNDS}-0.gcode`),
  )
  await bench.kill()
  checkOutputs(bench)
})

/** A bench whose server was killed while it rendered, and the name that the video was to have. */
async function killedWhileRendering(klippy: FakeKlippy, camera: TestCamera) {
  klippy.change('print_stats', { ...PRINTING, state: 'standby', filename: '' })
  const bench = new Bench(klippy, camera)
  const client = await bench.start()
  klippy.call('timelapse_newframe', { macropark: {}, hyperlapse: 'False' })
  await client.notified('notify_timelapse_event')
  bench.ffmpeg.mode = 'wait'
  void client.call('machine.timelapse.render')
  await client.find(
    ({ method, params }) => method === 'notify_timelapse_event' && params[0].status === 'running',
  )
  const { result } = await client.call('server.database.get_item', {
    namespace: 'moonraker',
    key: 'long_jobs.timelapse',
  })
  const [record] = Object.values(result.value) as { readonly details: { readonly filename: string } }[]
  await bench.kill()
  const { pid, args } = bench.ffmpeg
  bench.ffmpeg.mode = 'ok'
  return { bench, filename: record?.details.filename ?? '', left: { pid, draft: args.at(-1) ?? '' } }
}

/** Whether a process runs. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`
  return existsSync(file) && readFileSync(file, 'utf8') !== ''
}

test('an interrupted video is rendered by the next start, under its name', async () => {
  await using klippy = await FakeKlippy.start()
  await using camera = await TestCamera.start()
  const { bench, filename, left } = await killedWhileRendering(klippy, camera)
  await using _bench = bench
  assert.ok(isRunning(left.pid), 'ffmpeg outlives the server')
  writeFileSync(left.draft, 'of the ffmpeg that is left')
  const reader = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', left.draft], {
    stdio: 'ignore',
  })
  try {
    await bench.start()
    assert.ok(!isRunning(left.pid), 'the ffmpeg that is left has ended before the server is ready')
    while (!existsSync(join(bench.videos, filename))) await new Promise(resolve => setTimeout(resolve, 5))
    assert.ok(!existsSync(left.draft))
    assert.ok(isRunning(reader.pid ?? 0), 'another program with the draft as an argument runs on')
    checkOutputs(bench)
  } finally {
    reader.kill()
  }
})

test('a video that was complete when the server was killed is not rendered again', async () => {
  await using klippy = await FakeKlippy.start()
  await using camera = await TestCamera.start()
  const { bench, filename } = await killedWhileRendering(klippy, camera)
  await using _bench = bench
  writeFileSync(join(bench.videos, filename), 'complete')
  const client = await bench.start()
  const { result } = await client.call('machine.timelapse.render')
  assert.notEqual(result.filename, filename)
  assert.equal(bench.ffmpeg.runs, 2, 'the killed run, and the requested one')
  assert.equal(readFileSync(join(bench.videos, filename), 'utf8'), 'complete')
})
