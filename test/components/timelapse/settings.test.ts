// The settings as front-ends read and change them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { Scene } from './scene.ts'

const DEFAULTS = {
  enabled: true,
  mode: 'layermacro',
  camera: '',
  stream_delay_compensation: 0.05,
  gcode_verbose: false,
  parkhead: false,
  parkpos: 'back_left',
  park_custom_pos_x: 10,
  park_custom_pos_y: 10,
  park_custom_pos_dz: 0,
  park_travel_speed: 100,
  park_retract_speed: 15,
  park_extrude_speed: 15,
  park_retract_distance: 1,
  park_extrude_distance: 1,
  park_time: 0.1,
  fw_retract: false,
  hyperlapse_cycle: 30,
  autorender: true,
  constant_rate_factor: 23,
  output_framerate: 30,
  pixelformat: 'yuv420p',
  time_format_code: '%Y%m%d_%H%M',
  extraoutputparams: '',
  variable_fps: false,
  targetlength: 10,
  variable_fps_min: 5,
  variable_fps_max: 60,
  duplicatelastframe: 5,
  previewimage: true,
  saveframes: false,
  rendercancelled: false,
}

test('the defaults, with what comes from the webcam', async () => {
  await using at = await Scene.start()
  assert.deepEqual(await at.call('get_settings'), {
    ...DEFAULTS,
    snapshoturl: at.camera.url,
    rotation: 0,
    flip_x: false,
    flip_y: false,
    blockedsettings: [],
  })
})

test('changes are stored one by one, under the keys of the third-party component', async () => {
  await using at = await Scene.start()
  const { port } = at.rig
  const { json } = await postJson(port, '/machine/timelapse/settings?park_time=0.5', {
    output_framerate: '25',
    unknown: 1,
    saveframes: 'true',
  })
  const { park_time, output_framerate, saveframes } = json.result
  assert.deepEqual(
    { park_time, output_framerate, saveframes },
    { park_time: 0.5, output_framerate: 25, saveframes: true },
  )
  const stored = await sendRequest(port, '/server/database/item?namespace=timelapse&key=config')
  assert.deepEqual(stored.json.result.value, { park_time: 0.5, output_framerate: 25, saveframes: true })
})

test('a wrong type changes nothing', async () => {
  await using at = await Scene.start()
  const before = await at.call('get_settings')
  for (const wrong of [
    { park_time: 'soon' },
    { mode: 'movie' },
    { output_framerate: 0 },
    { enabled: null },
  ]) {
    await assert.rejects(at.call('post_settings', { saveframes: true, ...wrong }), { code: 400 })
  }
  assert.deepEqual(await at.call('get_settings'), before)
})

test('stored values of other types get their defaults', async () => {
  await using at = await Scene.start()
  const value = {
    enabled: 'maybe',
    park_time: '0.7',
    parkpos: 7,
    output_framerate: null,
    hyperlapse_cycle: '45',
  }
  await at.client.call('server.database.post_item', { namespace: 'timelapse', key: 'config', value })
  const { enabled, park_time, parkpos, output_framerate, hyperlapse_cycle } = await at.call('get_settings')
  assert.deepEqual(
    { enabled, park_time, parkpos, output_framerate, hyperlapse_cycle },
    { enabled: true, park_time: 0.7, parkpos: 'back_left', output_framerate: 30, hyperlapse_cycle: 45 },
  )
})

test('what moonraker.conf fixes cannot be changed', async () => {
  await using at = await Scene.start({ options: 'output_framerate: 24\nenabled: False\nrotation: 90' })
  const after = await at.call('post_settings', {
    output_framerate: 60,
    enabled: true,
    rotation: 0,
    saveframes: true,
  })
  assert.deepEqual(
    [after.output_framerate, after.enabled, after.rotation, after.saveframes],
    [24, false, 90, true],
  )
  assert.deepEqual(after.blockedsettings.sort(), ['enabled', 'output_framerate', 'rotation'])
  const stored = await sendRequest(at.rig.port, '/server/database/item?namespace=timelapse&key=config')
  assert.deepEqual(stored.json.result.value, { saveframes: true })
})

test('an invalid option of moonraker.conf is a warning', async () => {
  await using at = await Scene.start({ options: 'output_framerate: fast' })
  assert.equal((await at.call('get_settings')).output_framerate, 30)
  const { result } = await at.client.call('server.info')
  assert.match(result.warnings.join(), /output_framerate: fast/)
})

test('a webcam by its name, as Mainsail stores it, and by its uid, as Fluidd does', async () => {
  await using at = await Scene.start()
  const { result } = await at.client.call('server.webcams.post_item', {
    name: 'top',
    stream_url: '/top',
    snapshot_url: 'http://127.0.0.1:1/top.jpg',
    rotation: 180,
    flip_horizontal: true,
  })
  for (const camera of ['top', result.webcam.uid]) {
    const { snapshoturl, rotation, flip_x } = await at.call('post_settings', { camera })
    assert.deepEqual([snapshoturl, rotation, flip_x], ['http://127.0.0.1:1/top.jpg', 180, true])
  }
  assert.equal((await at.call('post_settings', { camera: 'gone' })).snapshoturl, at.camera.url)
})

test('without webcams, the settings have the URL', async () => {
  await using at = await Scene.start({ hasWebcam: false })
  assert.equal((await at.call('get_settings')).snapshoturl, 'http://localhost:8080/?action=snapshot')
  const relative = await at.call('post_settings', { snapshoturl: '/webcam/?action=snapshot' })
  assert.equal(relative.snapshoturl, 'http://localhost/webcam/?action=snapshot')
  const { snapshoturl, flip_y } = await at.call('post_settings', { snapshoturl: at.camera.url, flip_y: true })
  assert.deepEqual([snapshoturl, flip_y], [at.camera.url, true])
  await at.frame()
  await at.event({ action: 'newframe', status: 'success' })
})

test('changes reach the macros', async () => {
  await using at = await Scene.start()
  const setUp = (changes: string) =>
    `_SET_TIMELAPSE_SETUP  ENABLE=True VERBOSE=False ${changes} CUSTOM_POS_X=10.0 CUSTOM_POS_Y=10.0 ` +
    'CUSTOM_POS_DZ=0.0 TRAVEL_SPEED=100 RETRACT_SPEED=15 EXTRUDE_SPEED=15 RETRACT_DISTANCE=1.0 ' +
    'EXTRUDE_DISTANCE=1.0 PARK_TIME=0.1 FW_RETRACT=False'
  await at.script(setUp('PARK_ENABLE=False PARK_POS=back_left'))
  await at.call('post_settings', { parkhead: true, parkpos: 'center' })
  await at.script(setUp('PARK_ENABLE=True PARK_POS=center'))
  const before = at.scripts.length
  await at.call('post_settings', { output_framerate: 20 })
  await at.call('post_settings', { park_time: 0.2 })
  await at.script(setUp('PARK_ENABLE=True PARK_POS=center').replace('PARK_TIME=0.1', 'PARK_TIME=0.2'))
  assert.equal(at.scripts.length, before + 1, 'the frame rate is none of the macros')
})

test('options of ffmpeg are for admins', async () => {
  await using at = await Scene.start({
    authorization: 'trusted_clients:\n  127.0.0.1\ntrusted_role: operator',
  })
  await assert.rejects(at.call('post_settings', { extraoutputparams: '-g 10' }), { code: 403 })
  await assert.rejects(at.call('post_macros'), { code: 403 })
  assert.equal((await at.call('post_settings', { saveframes: true })).saveframes, true)
})

test('options of ffmpeg read no other files', async () => {
  await using at = await Scene.start()
  for (const extraoutputparams of [
    '-i /etc/passwd',
    '-f tee',
    'out.mp4',
    '-preset',
    '-vf movie=x.mp4',
    '-vf "scale=320:-1,movie=/etc/passwd"',
    '-vf scale=1[a];movie=b',
    '-metadata title=http://x/',
    '-preset ../x',
    "-vf drawtext=textfile='x'",
  ]) {
    await assert.rejects(at.call('post_settings', { extraoutputparams }), { code: 400 }, extraoutputparams)
  }
  const codec = '-an -vcodec h264_v4l2m2m -shortest -b:v 4M'
  assert.equal((await at.call('post_settings', { extraoutputparams: codec })).extraoutputparams, codec)
  const extraoutputparams = `-preset "veryfast" -vf 'eq=brightness=0.1,hue=s=0' -metadata title='a b'`
  assert.equal((await at.call('post_settings', { extraoutputparams })).extraoutputparams, extraoutputparams)
})
