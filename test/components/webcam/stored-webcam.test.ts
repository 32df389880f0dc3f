// Webcams of the database: as the original and front-ends store them, and after a restart.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { RestartableServer } from '../../support/restartable-server.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'
import { DEFAULTS, FRONT, scene } from './scene.ts'

test('records are written as the original writes them', async () => {
  await using at = await scene()
  const change = { name: 'side', stream_url: '/s', snapshot_url: '/p', extra_data: { a: 1 }, rotation: 90 }
  const { result } = await at.call('post_item', change)
  assert.deepEqual(await at.stored(result.webcam.uid), {
    name: 'side',
    enabled: true,
    icon: 'mdiWebcam',
    aspectRatio: '4:3',
    targetFps: 15,
    targetFpsIdle: 5,
    location: 'printer',
    service: 'mjpegstreamer',
    urlStream: '/s',
    urlSnapshot: '/p',
    flipX: false,
    flipY: false,
    rotation: 90,
    extra_data: { a: 1 },
  })
})

test('records of older front-ends are read', async () => {
  await using at = await scene()
  // Mainsail: a rotation under another name, numbers as text, no switch.
  await at.store('1-mainsail.x', {
    name: 'Old Mainsail',
    icon: 'mdiAlbum',
    service: 'uv4l-mjpeg',
    targetFps: '20',
    rotate: 180,
    urlStream: '/webcam?action=stream',
    urlSnapshot: '/webcam?action=snapshot',
    flipX: true,
    flipY: false,
  })
  // Fluidd: what it makes of its own old cameras, while the server runs.
  await at.store('2-fluidd', {
    name: 'Old Fluidd',
    location: 'printer',
    service: 'ipstream',
    icon: 'mdiWebcam',
    enabled: false,
    targetFps: 25,
    targetFpsIdle: 3,
    urlStream: 'http://cam/',
    flipX: false,
    flipY: true,
    rotation: 90,
    aspectRatio: '16:9',
    extraData: {},
  })
  const [, mainsail, fluidd] = await at.list()
  assert.deepEqual(mainsail, {
    ...DEFAULTS,
    name: 'Old Mainsail',
    icon: 'mdiAlbum',
    service: 'uv4l-mjpeg',
    target_fps: 20,
    rotation: 180,
    stream_url: '/webcam?action=stream',
    snapshot_url: '/webcam?action=snapshot',
    flip_horizontal: true,
    source: 'database',
    uid: '1-mainsail.x',
  })
  assert.deepEqual(fluidd, {
    ...DEFAULTS,
    name: 'Old Fluidd',
    service: 'ipstream',
    enabled: false,
    target_fps: 25,
    target_fps_idle: 3,
    stream_url: 'http://cam/',
    flip_vertical: true,
    rotation: 90,
    aspect_ratio: '16:9',
    source: 'database',
    uid: '2-fluidd',
  })
  const { result } = await at.call('post_item', { uid: '1-mainsail.x', rotation: 270 })
  assert.deepEqual(result.webcam, { ...mainsail, rotation: 270 })
  assert.equal((await at.stored('1-mainsail.x')).rotation, 270)
  await at.call('delete_item', { name: 'Old Mainsail' })
  assert.deepEqual(
    (await at.list()).map(({ name }) => name),
    ['front', 'Old Fluidd'],
  )
})

test('a record with odd fields keeps what can be read', async () => {
  await using at = await scene({ conf: '' })
  await at.store('1', {
    name: 'odd',
    enabled: 'perhaps',
    icon: null,
    aspectRatio: 'wide',
    targetFps: {},
    targetFpsIdle: -3,
    location: ['x'],
    urlStream: '/odd',
    rotation: 45,
    flipX: 1,
    extra_data: 'text',
    ours: 'of a newer server',
  })
  const [cam] = await at.list()
  const source = 'database'
  const expected = { ...DEFAULTS, name: 'odd', stream_url: '/odd', flip_horizontal: true, source, uid: '1' }
  assert.deepEqual(cam, expected)
  await at.call('post_item', { uid: '1', name: 'even' })
  assert.equal((await at.stored('1')).ours, 'of a newer server')
})

test('a webcam without a name, or with a name or uid that exists already, is left out and logged', async () => {
  await using at = await RestartableServer.start({ conf: FRONT })
  const client = await at.client()
  const list = async (by: WebClient) => (await by.call('server.webcams.list')).result.webcams as Frame[]
  const [{ uid }] = await list(client)
  const records: [string, unknown][] = [
    ['1', { name: 'front', urlStream: '/shadowed' }],
    [uid, { name: 'other', urlStream: '/other' }],
    ['2', 'text'],
    ['3', { urlStream: '/nameless' }],
    ['4', { name: 'twice', urlStream: '/first' }],
    ['5', { name: 'twice', urlStream: '/second' }],
  ]
  for (const [key, value] of records) {
    await client.call('server.database.post_item', { namespace: 'webcams', key: [key], value })
  }
  const seen = (cams: Frame[]) => cams.map(cam => [cam.uid, cam.stream_url])
  const expected = [
    [uid, '/webcam/?action=stream'],
    ['4', '/first'],
  ]
  assert.deepEqual(seen(await list(client)), expected)
  assert.equal((await client.call('server.webcams.delete_item', { uid: '1' })).error.code, -32601)
  await at.restart()
  const later = await at.client()
  assert.deepEqual(seen(await list(later)), expected)
  const entries = at.log.filter(text => /webcam \S+ of the database/.test(text))
  assert.equal(entries.length, 5)
  await later.call('server.webcams.delete_item', { uid: '4' })
  assert.deepEqual(seen(await list(later)).at(-1), ['5', '/second'])
})

test('uids and webcams survive restarts', async () => {
  await using at = await RestartableServer.start({ conf: FRONT })
  const client = await at.client()
  await client.call('server.webcams.post_item', { name: 'side', stream_url: '/side' })
  const { result } = await client.call('server.webcams.list')
  for (let life = 0; life < 2; life += 1) {
    await at.restart()
    assert.deepEqual((await (await at.client()).call('server.webcams.list')).result, result)
  }
  const { json } = await sendRequest(at.port, '/server/database/item?namespace=moonraker&key=instance_id')
  assert.match(json.result.value, /^[0-9a-f]{32}$/)
})
