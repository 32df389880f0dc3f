// Webcams through the API: the configuration, changes, names, and what is rejected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import type { Frame } from '../../support/web-client.ts'
import { DEFAULTS, FRONT, scene } from './scene.ts'

const ITEM = '/server/webcams/item'

test('a configured webcam has its defaults and the fields in the order of the original', async () => {
  await using at = await scene()
  const [front] = await at.list()
  const { uid, ...rest } = front
  assert.deepEqual(rest, {
    ...DEFAULTS,
    name: 'front',
    stream_url: '/webcam/?action=stream',
    source: 'config',
  })
  assert.match(uid, /^[0-9a-f-]{36}$/)
  const order = 'name enabled icon aspect_ratio target_fps target_fps_idle location service stream_url'
  const end = 'snapshot_url flip_horizontal flip_vertical rotation source extra_data uid'
  assert.deepEqual(Object.keys(front), `${order} ${end}`.split(' '))
  assert.deepEqual((await at.call('get_item', { uid })).result, { webcam: front })
  assert.deepEqual((await at.call('get_item', { name: 'front' })).result, { webcam: front })
  const info = await at.client.call('server.info')
  assert.ok(info.result.components.includes('webcam'))
  assert.deepEqual(info.result.warnings, [])
})

test('without any webcam there is an empty list', async () => {
  await using at = await scene({ conf: '' })
  assert.deepEqual((await at.call('list')).result, { webcams: [] })
  const { result } = await at.client.call('server.info')
  assert.ok(result.components.includes('webcam'))
})

test('all options of a section', async () => {
  const conf =
    '[webcam  the big one]\nstream_url: rtsp://cam/1\nsnapshot_url: http://cam/2\nlocation: garage\nicon: mdiGarage\n' +
    'enabled: False\nservice: webrtc-go2rtc\ntarget_fps: 30\ntarget_fps_idle: 0\nflip_horizontal: yes\n' +
    'flip_vertical: on\nrotation: 270\naspect_ratio: 16:9\n'
  await using at = await scene({ conf })
  const [cam] = await at.list()
  assert.deepEqual(cam, {
    uid: cam.uid,
    name: 'the big one',
    enabled: false,
    icon: 'mdiGarage',
    aspect_ratio: '16:9',
    target_fps: 30,
    target_fps_idle: 0,
    location: 'garage',
    service: 'webrtc-go2rtc',
    stream_url: 'rtsp://cam/1',
    snapshot_url: 'http://cam/2',
    flip_horizontal: true,
    flip_vertical: true,
    rotation: 270,
    source: 'config',
    extra_data: {},
  })
  const { result } = await at.client.call('server.config')
  assert.equal(result.config['webcam  the big one'].rotation, 270)
})

test('an invalid section causes a warning, and the others work', async () => {
  const conf =
    `${FRONT}[webcam a]\n[webcam b]\nstream_url: /b\nrotation: 45\n[webcam c]\nstream_url: /c\naspect_ratio: wide\n` +
    '[webcam  front]\nstream_url: /other\n[webcam d]\nstream_url: /d\nnonsense: 1\n'
  await using at = await scene({ conf })
  assert.deepEqual(
    (await at.list()).map(({ name, stream_url }) => [name, stream_url]),
    [
      ['front', '/webcam/?action=stream'],
      ['d', '/d'],
    ],
  )
  const warnings = at.rig.server.warnings.list()
  for (const expected of [
    /^Section \[webcam a\] is left out: .*needs the option "stream_url"/,
    /^Section \[webcam b\] is left out: .*"rotation: 45".* must be one of 0, 90, 180, 270/,
    /^Section \[webcam c\] is left out: .*"aspect_ratio: wide".* must be two whole numbers with a colon/,
    /^Section \[webcam {2}front\] is left out: .*another section has the same name/,
    /^Unparsed config option 'nonsense: 1' detected in section \[webcam d\]/,
  ]) {
    assert.ok(
      warnings.some(text => expected.test(text)),
      `${expected}: ${warnings.join('\n')}`,
    )
  }
  assert.equal(warnings.length, 5)
})

test('a new webcam has defaults, is notified, and is changed field by field', async () => {
  await using at = await scene()
  const { result } = await at.call('post_item', { name: 'side', stream_url: '/side' })
  const { uid } = result.webcam
  assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  assert.deepEqual(result.webcam, { ...DEFAULTS, name: 'side', stream_url: '/side', source: 'database', uid })
  const [{ webcams }] = (await at.client.notified('notify_webcams_changed')).params
  assert.deepEqual(webcams, await at.list())
  assert.deepEqual(
    webcams.map(({ name }: Frame) => name),
    ['front', 'side'],
  )
  const changes = { flip_vertical: 'true', target_fps: '30', rotation: 90, extra_data: { a: [1, null] } }
  const changed = await at.call('post_item', { name: 'side', ...changes, uid })
  const expected = { ...result.webcam, flip_vertical: true, target_fps: 30, rotation: 90 }
  assert.deepEqual(changed.result.webcam, { ...expected, extra_data: { a: [1, null] } })
  const byName = await at.call('post_item', { name: 'side', location: 'Tür', source: 'config' })
  assert.deepEqual(byName.result.webcam, { ...changed.result.webcam, location: 'Tür' })
  assert.deepEqual((await at.call('get_item', { uid })).result, byName.result)
  const gone = await at.call('delete_item', { uid })
  assert.deepEqual(gone.result, byName.result)
  const last = await at.client.notified('notify_webcams_changed', 4)
  assert.deepEqual(
    last.params[0].webcams.map(({ name }: Frame) => name),
    ['front'],
  )
  assert.equal((await at.call('get_item', { uid })).error.message, `Webcam with UID ${uid} not found`)
})

test('over HTTP, with query strings and odd names', async () => {
  await using at = await scene()
  const { port } = at.rig
  const name = 'ä "b" & 📷/%2e\\ <i>'
  const made = await postJson(port, ITEM, { name, stream_url: 'http://u:p@cam/x?a=1#b' })
  assert.equal(made.status, 200)
  const query = `${ITEM}?name=${encodeURIComponent(name)}`
  assert.deepEqual((await sendRequest(port, query)).json, made.json)
  const turned = await sendRequest(port, `${query}&rotation=180&enabled:bool=false`, { verb: 'POST' })
  assert.deepEqual(turned.json.result.webcam, { ...made.json.result.webcam, rotation: 180, enabled: false })
  assert.equal((await sendRequest(port, query, { verb: 'DELETE' })).json.result.webcam.rotation, 180)
  assert.equal((await sendRequest(port, query)).status, 404)
  assert.deepEqual((await sendRequest(port, ITEM)).json, {
    error: { code: 400, message: 'No data for argument: name' },
  })
})

test('names are unique: renaming by uid, and conflicts', async () => {
  await using at = await scene()
  const { result } = await at.call('post_item', { name: 'a', stream_url: '/a' })
  const { uid } = result.webcam
  await at.call('post_item', { name: 'b', stream_url: '/b' })
  const renamed = await at.call('post_item', { uid, name: 'c' })
  assert.deepEqual(renamed.result.webcam, { ...result.webcam, name: 'c' })
  assert.deepEqual(new Set((await at.list()).map(({ name }) => name)), new Set(['front', 'b', 'c']))
  for (const taken of ['b', 'front']) {
    assert.deepEqual((await at.call('post_item', { uid, name: taken })).error, {
      code: 400,
      message: `Cannot rename webcam from 'c' to '${taken}'.  Webcam with requested name '${taken}' already exists.`,
    })
  }
  assert.equal((await at.call('post_item', { uid, name: 'c', location: 'x' })).result.webcam.location, 'x')
  const unknown = await at.call('post_item', { uid: 'nope', name: 'd', stream_url: '/d' })
  assert.deepEqual(unknown.error, { code: -32601, message: 'Webcam with UID nope not found' })
})

test('a webcam of the configuration cannot be changed or deleted', async () => {
  await using at = await scene()
  const [{ uid }] = await at.list()
  for (const which of [{ name: 'front' }, { uid }, { uid, name: 'other' }]) {
    const change = await at.call('post_item', { ...which, stream_url: '/x' })
    const message = "Cannot overwrite webcam 'front' sourced from Moonraker configuration"
    assert.deepEqual(change.error, { code: 400, message })
  }
  const message = "Cannot delete webcam 'front' sourced from Moonraker configuration"
  assert.deepEqual((await at.call('delete_item', { name: 'front' })).error, { code: 400, message })
})

test('wrong types and odd characters are refused and change nothing', async () => {
  await using at = await scene()
  await at.call('post_item', { name: 'side', stream_url: '/side' })
  const before = await at.list()
  const refused: [string, unknown][] = [
    ...[null, [], {}, '', '  ', 'a\u0000b', 'a\nb', '\ud800', 'x'.repeat(256)].map(
      (bad): [string, unknown] => ['name', bad],
    ),
    ...[
      null,
      ['a'],
      { a: 1 },
      'a\r\nb',
      `/${'x'.repeat(4096)}`,
      'javascript:alert(1)',
      ' JavaScript:x',
      'java\tscript:x',
    ].flatMap((bad): [string, unknown][] => [
      ['stream_url', bad],
      ['snapshot_url', bad],
    ]),
    ...[null, 'maybe', 2, [], {}].flatMap((bad): [string, unknown][] => [
      ['enabled', bad],
      ['flip_horizontal', bad],
    ]),
    ...[null, 'many', -1, 1e300, [], {}, ''].flatMap((bad): [string, unknown][] => [
      ['target_fps', bad],
      ['target_fps_idle', bad],
    ]),
    ...[null, 45, -90, 360, 'left', [90]].map((bad): [string, unknown] => ['rotation', bad]),
    ...[null, 'wide', '4/3', '4:3:2', ':3', '٤:٣', ''].map((bad): [string, unknown] => ['aspect_ratio', bad]),
    ...[
      null,
      [],
      'text',
      5,
      { a: 'x'.repeat(70_000) },
      { a: JSON.parse(`${'['.repeat(600)}${']'.repeat(600)}`) },
    ].map((bad): [string, unknown] => ['extra_data', bad]),
    ...['icon', 'location', 'service'].flatMap((field): [string, unknown][] => [
      [field, null],
      [field, 'a\u001bb'],
    ]),
  ]
  for (const [field, bad] of refused) {
    const given = { name: 'side', stream_url: '/x', location: 'changed', [field]: bad }
    const { error } = await at.call('post_item', given)
    assert.equal(error?.code, 400, `${field}: ${JSON.stringify(bad)?.slice(0, 50)}: ${error?.message}`)
  }
  assert.deepEqual(await at.list(), before)
  assert.equal(
    (await at.call('post_item', { name: 'new' })).error.message,
    'No data for argument: stream_url',
  )
  assert.equal((await at.call('post_item', { stream_url: '/x' })).error.message, 'No data for argument: name')
  for (const method of ['get_item', 'delete_item', 'test']) {
    assert.equal((await at.call(method, { name: null })).error.code, 400)
    assert.equal((await at.call(method, { uid: ['x'] })).error.code, 400)
    assert.ok((await at.call(method, { uid: 'x'.repeat(100_000) })).error.message.length < 200)
    assert.equal((await at.call(method, { name: '__proto__' })).error.code, -32601)
  }
})

test('many simultaneous posts of one name create one webcam', async () => {
  await using at = await scene()
  const posts = Array.from({ length: 20 }, (_, index) =>
    at.call('post_item', { name: 'same', stream_url: `/${index}` }),
  )
  const uids = new Set((await Promise.all(posts)).map(({ result }) => result.webcam.uid))
  assert.equal(uids.size, 1)
  const same = (await at.list()).filter(({ name }) => name === 'same')
  assert.deepEqual(
    same.map(({ stream_url }) => stream_url),
    ['/19'],
  )
  const { result: a } = await at.call('post_item', { name: 'a', stream_url: '/a' })
  const { result: b } = await at.call('post_item', { name: 'b', stream_url: '/b' })
  const race = [a, b].map(({ webcam }) => at.call('post_item', { uid: webcam.uid, name: 'wanted' }))
  const failed = (await Promise.all(race)).filter(({ error }) => error !== undefined)
  assert.deepEqual(
    failed.map(({ error }) => error.code),
    [400],
  )
})

test('the number of webcams is limited; existing ones can still be changed', async () => {
  await using at = await scene()
  const post = (name: string) => at.call('post_item', { name, stream_url: '/' })
  const replies = await Promise.all(Array.from({ length: 99 }, (_, index) => post(`cam ${index}`)))
  assert.ok(replies.every(({ result }) => result !== undefined))
  const { error } = await post('one more')
  assert.deepEqual(
    [error.code, error.message],
    [400, 'Webcam one more cannot be added: there are 100 already'],
  )
  assert.equal((await post('cam 5')).error, undefined)
  await at.call('delete_item', { name: 'cam 5' })
  assert.equal((await post('one more')).error, undefined)
})
