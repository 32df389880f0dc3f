// The real ffmpeg: the arguments make a video that plays, in every orientation. Skipped where it is not installed.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type TimelapseSettings, timelapseSettings } from '../../../src/api/timelapse.ts'
import { readExtraOptions } from '../../../src/components/timelapse/extra-options.ts'
import { previewArguments, videoArguments } from '../../../src/components/timelapse/ffmpeg-arguments.ts'
import { endOfPicture } from '../../../src/components/timelapse/jpeg.ts'
import { absent } from '../../support/program.ts'

const run = promisify(execFile)
const skip = absent('ffmpeg') || absent('ffprobe')

const defaults = Object.fromEntries(
  Object.entries(timelapseSettings).map(([name, { fallback }]) => [name, fallback.value]),
) as unknown as TimelapseSettings

/** Four frames of odd size, the left half black and the right half white, without the third number. */
async function frames() {
  const folder = mkdtempSync(join(tmpdir(), 'ffmpeg-'))
  const picture = 'color=black:s=63x49,drawbox=x=iw/2:w=iw/2:h=ih:color=white:t=fill'
  const one = ['-f', 'lavfi', '-i', picture, '-frames:v', '1', '-y']
  for (const number of [1, 2, 4, 5])
    await run('ffmpeg', ['-loglevel', 'error', ...one, `frame00000${number}.jpg`], { cwd: folder })
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The size, the number of frames and the seconds of a video. */
async function probe(file: string) {
  const fields = 'stream=width,height,nb_read_frames,duration,codec_name,pix_fmt'
  const { stdout } = await run('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    fields,
    '-of',
    'json',
    file,
  ])
  const [stream] = JSON.parse(stdout).streams
  const { codec_name, pix_fmt, width, height, nb_read_frames, duration } = stream
  return { codec_name, pix_fmt, width, height, frames: Number(nb_read_frames), seconds: Number(duration) }
}

/** The brightness of the middles of the edges of a picture: left, right, top, bottom. */
async function edges(file: string): Promise<boolean[]> {
  const scale = ['-vf', 'scale=3:3:flags=area,format=gray', '-frames:v', '1', '-f', 'rawvideo', '-']
  const { stdout } = await run('ffmpeg', ['-loglevel', 'error', '-i', file, ...scale], { encoding: 'buffer' })
  return [3, 5, 1, 7].map(at => (stdout[at] ?? 0) > 128)
}

test('a video of all frames, with the last one repeated', { skip }, async () => {
  using at = await frames()
  const output = join(at.folder, 'video')
  const settings = { ...defaults, output_framerate: 2, duplicatelastframe: 3 }
  const extra = readExtraOptions("-preset ultrafast -vf 'eq=gamma=1.1,hue=s=0' -metadata title='a b'")
  const args = videoArguments({ settings, count: 4, encoder: 'libx264', extra, output })
  const { stdout } = await run('ffmpeg', args, { cwd: at.folder })
  assert.deepEqual(await probe(output), {
    codec_name: 'h264',
    pix_fmt: 'yuv420p',
    width: 62,
    height: 48,
    frames: 7,
    seconds: 3.5,
  })
  assert.match(stdout, /^frame=7$/m)
})

test('every orientation of the preview', { skip }, async () => {
  using at = await frames()
  const output = join(at.folder, 'preview')
  const [left, right, top, bottom] = [
    [true, false, false, false],
    [false, true, false, false],
    [false, false, true, false],
    [false, false, false, true],
  ]
  const expected = [
    [0, false, false, right],
    [0, true, false, left],
    [0, false, true, right],
    [90, false, false, bottom],
    [90, false, true, top],
    [180, true, false, right],
    [270, false, false, top],
    [270, false, true, bottom],
  ] as const
  for (const [rotation, flip_x, flip_y, white] of expected) {
    const frame = join(at.folder, 'frame000001.jpg')
    const args = previewArguments({ rotation, flip_x, flip_y }, frame, output)
    if (args !== null) await run('ffmpeg', args)
    const picture = args === null ? frame : output
    const found = (await edges(picture)).map((isWhite, index) => isWhite && index === white?.indexOf(true))
    assert.deepEqual(found, white, `${rotation} ${flip_x} ${flip_y}`)
    const bytes = readFileSync(picture)
    assert.equal(endOfPicture(bytes), bytes.length)
  }
})

test('a rotation by any angle', { skip }, async () => {
  using at = await frames()
  const output = join(at.folder, 'preview')
  const args = previewArguments(
    { rotation: 45, flip_x: false, flip_y: false },
    join(at.folder, 'frame000001.jpg'),
    output,
  )
  await run('ffmpeg', args ?? [])
  assert.ok(readFileSync(output).length > 0)
})
