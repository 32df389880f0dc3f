// Videos and archives, with a program in place of ffmpeg.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBuffer } from 'yauzl'
import { Scene } from './scene.ts'
import { jpeg } from './test-jpeg.ts'

const RENDER_DONE = 'SET_GCODE_VARIABLE MACRO=TIMELAPSE_RENDER VARIABLE=render VALUE=False'

/** A print with frames. */
async function printed(at: Scene, frames = 3, filename = 'folder/part.gcode'): Promise<void> {
  await at.print(filename)
  for (let count = 0; count < frames; count += 1) await at.frame()
}

test('a complete print becomes a video with a preview', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.end('complete')
  const started = await at.event({ action: 'render', status: 'started' })
  assert.deepEqual(started, {
    action: 'render',
    status: 'started',
    framecount: '8',
    settings: { framerate: 30, crf: 23, pixelformat: 'yuv420p' },
  })
  const done = await at.event({ action: 'render', status: 'success' })
  assert.match(done.filename, /^timelapse_part\.gcode_\d{8}_\d{4}\.mp4$/)
  const previewimage = done.filename.replace('.mp4', '.jpg')
  assert.deepEqual(done, {
    action: 'render',
    status: 'success',
    framecount: '8',
    filename: done.filename,
    printfile: 'part.gcode',
    previewimage,
    msg: `Rendering Video successful: ${done.filename}`,
  })
  assert.deepEqual(new Set(readdirSync(at.videos)), new Set([previewimage, done.filename]))
  const frames = [1, 2, 3].map(number => jpeg(`picture ${number}`))
  assert.deepEqual(readFileSync(join(at.videos, done.filename)), Buffer.concat(frames))
  assert.deepEqual(readFileSync(join(at.videos, previewimage)), frames[2])
  const progress = at.events.filter(({ status }) => status === 'running').map(({ progress }) => progress)
  assert.deepEqual(progress, [12, 25, 37])
  for (const name of [previewimage, done.filename])
    await at.client.find(
      ({ method, params }) => method === 'notify_filelist_changed' && params[0].item.path === name,
    )
})

test('the arguments of ffmpeg', async () => {
  await using at = await Scene.start()
  await printed(at)
  await at.call('post_settings', {
    variable_fps: true,
    targetlength: 1,
    variable_fps_min: 2,
    constant_rate_factor: 30,
    duplicatelastframe: 2,
    extraoutputparams: '-preset fast -vf eq=gamma=2',
  })
  await at.client.call('server.webcams.post_item', {
    name: 'turned',
    stream_url: '/x',
    snapshot_url: at.camera.url,
    rotation: 270,
    flip_horizontal: true,
  })
  await at.call('post_settings', { camera: 'turned', previewimage: false })
  assert.equal((await at.call('render')).status, 'success')
  const { args } = at.ffmpeg
  assert.equal(
    args.slice(0, -1).join(' '),
    '-nostdin -hide_banner -loglevel warning -nostats -progress pipe:1 ' +
      '-framerate 3 -pattern_type glob -i frame*.jpg ' +
      '-vf transpose=2,hflip,eq=gamma=2,crop=trunc(iw/2)*2:trunc(ih/2)*2,tpad=stop_mode=clone:stop=2 ' +
      '-threads 2 -g 5 -crf 30 -vcodec libx264 -pix_fmt yuv420p -an ' +
      '-movflags +faststart -preset fast -f mp4 -y',
  )
  assert.match(args.at(-1) ?? '', /videos\/\.uploads\//)
})

test('another encoder', async () => {
  await using at = await Scene.start({ options: 'encoder: h264_v4l2m2m' })
  await printed(at)
  await at.call('post_settings', { previewimage: false })
  await at.call('render')
  assert.ok(at.ffmpeg.args.includes('h264_v4l2m2m'))
  assert.ok(!at.ffmpeg.args.includes('-crf'))
})

test('a turned preview', async () => {
  await using at = await Scene.start({ options: 'rotation: 180' })
  await printed(at)
  const { previewimage } = await at.call('render')
  assert.ok(at.ffmpeg.args.includes('hflip,vflip'))
  assert.equal(readFileSync(join(at.videos, previewimage), 'utf8'), 'preview\n')
})

test('without frames there is no video', async () => {
  await using at = await Scene.start()
  const skipped = { action: 'render', status: 'skipped', msg: 'no frames to render, skip' }
  assert.deepEqual(await at.call('render'), skipped)
  assert.deepEqual(await at.event({ action: 'render' }), skipped)
  assert.deepEqual(await at.call('saveframes'), {
    action: 'saveframes',
    status: 'skipped',
    msg: 'no frames to save, skip',
  })
})

test('the same frames are rendered once at a time', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.ffmpeg.mode = 'wait'
  const first = at.call('render')
  await at.event({ action: 'render', status: 'started' })
  assert.deepEqual(await at.call('render'), {
    action: 'render',
    status: 'running',
    msg: 'render is already running',
  })
  at.ffmpeg.go()
  assert.equal((await first).status, 'success')
  assert.equal(at.ffmpeg.runs, 1)
})

test('a video that the macro has made is not made again when the print ends', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.klippy.call('timelapse_render', { byrendermacro: 'True' })
  await at.script(RENDER_DONE)
  at.end('complete')
  await at.print('next.gcode')
  await at.frame()
  at.end('complete')
  await at.event({ status: 'success', printfile: 'next.gcode' })
  assert.equal(at.ffmpeg.runs, 2)
})

test('the macro that waits continues when the rendering fails, or is not possible', async () => {
  await using at = await Scene.start()
  at.klippy.call('timelapse_render', { byrendermacro: 'True' })
  await at.script(RENDER_DONE)
  await printed(at)
  at.ffmpeg.mode = 'fail'
  at.klippy.call('timelapse_render', { byrendermacro: 'True' })
  await at.script(RENDER_DONE, 2)
})

test('a rendering that another macro requests sets no variable', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.klippy.call('timelapse_render', {})
  await at.event({ action: 'render', status: 'success' })
  at.klippy.call('timelapse_render', { byrendermacro: 'True' })
  await at.script(RENDER_DONE)
  assert.equal(at.scripts.filter(script => script === RENDER_DONE).length, 1)
})

for (const mode of ['fail', 'half', 'empty', 'killed'] as const) {
  test(`no video from an ffmpeg that ends with: ${mode}`, async () => {
    await using at = await Scene.start()
    await printed(at)
    at.ffmpeg.mode = mode
    const failed = await at.call('render')
    assert.equal(failed.status, 'error')
    assert.match(failed.msg, /^Rendering Video failed: /)
    assert.match(failed.cmd, /^ffmpeg -nostdin/)
    assert.equal(failed.cmd.includes(at.folder), false, 'no path of the host')
    assert.equal(failed.framecount, '8')
    assert.deepEqual(await at.event({ action: 'render', status: 'error' }), failed)
    assert.deepEqual(readdirSync(at.videos), [])
    at.ffmpeg.mode = 'ok'
    assert.equal((await at.call('render')).status, 'success')
  })
}

test('a cancelled rendering leaves nothing, and the next one works', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.ffmpeg.mode = 'hang'
  const rendering = at.call('render')
  await at.event({ action: 'render', status: 'running' })
  assert.deepEqual(await at.call('cancel'), { cancelled: 1 })
  const { status, msg } = await rendering
  assert.equal(status, 'error')
  assert.match(msg, /was cancelled/)
  assert.deepEqual(readdirSync(at.videos), [])
  at.ffmpeg.mode = 'ok'
  assert.equal((await at.call('render')).status, 'success')
})

test('without ffmpeg: no automatic video, and a reason', async () => {
  await using at = await Scene.start()
  await at.stopServer()
  rmSync(at.ffmpeg.path)
  await at.startServer()
  assert.equal((await at.call('get_settings')).autorender, false)
  const { result } = await at.client.call('server.info')
  assert.match(result.warnings.join(), /ffmpeg is missing/)
  await printed(at)
  const { status, msg } = await at.call('render')
  assert.equal(status, 'error')
  assert.match(msg, /ffmpeg_binary_path/)
})

test('a disk without space ends the rendering', async () => {
  await using at = await Scene.start()
  await printed(at)
  await at.stopServer()
  await using full = await Scene.start({ minFree: 1_000_000_000 })
  const folder = join(full.frames, 'print-000009')
  mkdirSync(folder)
  writeFileSync(join(folder, 'frame000001.jpg'), jpeg())
  await full.stopServer()
  await full.startServer()
  const { status, msg } = await full.call('render')
  assert.equal(status, 'error')
  assert.match(msg, /full/)
  assert.equal(full.ffmpeg.runs, 0)
})

test('a cancelled print has no video, unless the settings require it', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.end('cancelled')
  await at.call('post_settings', { rendercancelled: true })
  await printed(at, 1, 'second.gcode')
  at.end('cancelled')
  const { printfile } = await at.event({ action: 'render', status: 'success' })
  assert.equal(printfile, 'second.gcode')
  assert.equal(at.ffmpeg.runs, 1)
})

test('the frames stay while a video is made of them, also when the next print starts', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.ffmpeg.mode = 'wait'
  at.end('complete')
  await at.event({ action: 'render', status: 'started' })
  await at.print('next.gcode')
  await at.frame()
  at.ffmpeg.go()
  const { filename, framecount } = await at.event({ action: 'render', status: 'success' })
  assert.match(filename, /part\.gcode/)
  assert.equal(framecount, '8')
  const size = readFileSync(join(at.videos, filename)).length
  assert.equal(
    size,
    [1, 2, 3].reduce((sum, number) => sum + jpeg(`picture ${number}`).length, 0),
  )
  assert.equal((await at.call('lastframeinfo')).framecount, 1)
})

test('frames are deleted after the video where that is configured', async () => {
  await using at = await Scene.start({ options: 'delete_rendered_frames: True' })
  await printed(at)
  at.end('complete')
  await at.event({ action: 'render', status: 'success' })
  while ((await at.call('lastframeinfo')).framecount > 0) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(at.frameFiles(), [])
})

test('names that are taken, too long, or no file names', async () => {
  await using at = await Scene.start()
  await at.call('post_settings', { time_format_code: '%Y/x', previewimage: false })
  await printed(at, 1, `${'ä'.repeat(150)}.gcode`)
  const first = (await at.call('render')).filename
  const second = (await at.call('render')).filename
  assert.ok(Buffer.byteLength(first) <= 204)
  assert.equal(second, first.replace('.mp4', '-2.mp4'))
  assert.deepEqual(readdirSync(at.videos).length, 2)
  await printed(at, 1, 'x.gcode')
  const year = new Date().getFullYear()
  assert.equal((await at.call('render')).filename, `timelapse_x.gcode_${year}-x.mp4`)
})

test('the history links to the video', async () => {
  await using at = await Scene.start()
  await printed(at)
  at.end('complete')
  const { filename } = await at.event({ action: 'render', status: 'success' })
  const { result } = await at.client.call('server.history.list')
  const field = result.jobs[0].auxiliary_data.find(
    ({ provider }: { provider: string }) => provider === 'timelapse',
  )
  assert.deepEqual([field.name, field.value], ['video', `timelapse/${filename}`])
})

/** Names and hashes of an archive. */
function contents(data: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const found: string[] = []
    fromBuffer(data, { lazyEntries: true }, (error, zip) => {
      if (error !== null) return reject(error)
      zip.on('error', reject).on('end', () => resolve(found))
      zip.on('entry', entry => {
        zip.openReadStream(entry, (failure, stream) => {
          if (failure !== null) return reject(failure)
          const hash = createHash('sha1')
          stream.on('error', reject).on('data', part => hash.update(part))
          stream.on('end', () => {
            found.push(`${entry.fileName} ${hash.digest('hex')}`)
            zip.readEntry()
          })
        })
      })
      zip.readEntry()
    })
  })
}

test('an archive of the frames, on request and at the end of a print', async () => {
  await using at = await Scene.start({ options: 'autorender: False\nsaveframes: True' })
  await printed(at, 2)
  const { action, status, zipfile } = await at.call('saveframes')
  assert.deepEqual([action, status], ['saveframes', 'finished'])
  assert.match(zipfile, /^timelapse_part\.gcode_\d{8}_\d{4}_frames\.zip$/)
  const hash = (number: number) =>
    createHash('sha1')
      .update(jpeg(`picture ${number}`))
      .digest('hex')
  assert.deepEqual(await contents(readFileSync(join(at.videos, zipfile))), [
    `frame000001.jpg ${hash(1)}`,
    `frame000002.jpg ${hash(2)}`,
  ])
  await at.frame()
  at.end('complete')
  await at.client.find(
    ({ method, params }) =>
      method === 'notify_filelist_changed' &&
      params[0].item.path.endsWith('.zip') &&
      params[0].item.path !== zipfile,
  )
  assert.equal(readdirSync(at.videos).filter(name => name.endsWith('_frames.zip')).length, 2)
})

test('the macro file: shown, installed, updated, and not in place of another', async () => {
  await using at = await Scene.start()
  const file = join(at.rig.paths.config, 'timelapse.cfg')
  const shown = await at.call('get_macros')
  assert.equal(shown.installed, 'missing')
  const { installed, version } = await at.call('post_macros')
  assert.deepEqual([installed, version], ['current', shown.version])
  assert.equal(readFileSync(file, 'utf8'), shown.content)
  writeFileSync(file, shown.content.replace(/version \d+/, 'version 0'))
  assert.equal((await at.call('get_macros')).installed, 'outdated')
  assert.equal((await at.call('post_macros')).installed, 'current')
  writeFileSync(file, '# by someone else')
  assert.equal((await at.call('get_macros')).installed, 'other')
  await assert.rejects(at.call('post_macros'), { code: 409 })
  assert.equal((await at.call('post_macros', { replace: true })).installed, 'current')
  assert.ok(existsSync(file))
})
