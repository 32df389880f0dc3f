// Kills a server while it takes frames, renders and archives: no announced frame is lost, no video is incomplete, and what
// was interrupted is made by the next start, which ends the ffmpeg that is left. KILL_ROUNDS=100 runs more rounds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endOfPicture } from '../../../src/components/timelapse/jpeg.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { Bench } from './bench.ts'
import { TestCamera } from './test-camera.ts'
import { jpeg } from './test-jpeg.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
const FRAMES_PER_PRINT = 6

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
