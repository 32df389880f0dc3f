// OctoPrint's push socket: what its clients receive, and when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quickClock } from '../../support/quick-clock.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { bearer, createUser, ELSEWHERE, TRUST_LOOPBACK } from '../access/access-rig.ts'
import { get, post, Scene, startOctoPrint, type Target } from './octo-rig.ts'

const connect = ({ port }: Target, headers: Record<string, string> = {}) =>
  WebClient.open(`ws://127.0.0.1:${port}/sockjs/websocket`, headers)

/** Resolves with the payload of the first message of a type that fits, past or future. */
async function message(client: WebClient, type: string, fits: (payload: Frame) => boolean = () => true) {
  const frame = await client.find(each => each[type] !== undefined && fits(each[type]))
  return frame[type]
}

const event = (client: WebClient, type: string) => message(client, 'event', payload => payload.type === type)

test('a client receives the state, then what changes', async () => {
  await using scene = await Scene.open({
    files: ['part.gcode'],
    status: { gcode_move: { gcode_position: [0, 0, 0, 0] } },
    clock: quickClock(),
  })
  using client = await connect(scene)
  const connected = await message(client, 'connected')
  assert.match(connected.display_version, /^OctoPrint \(Moonraker v\d/)
  const history = await message(client, 'history')
  assert.equal(history.state.text, 'Operational')
  assert.deepEqual([history.job.file, history.progress.completion], [{ name: null }, null])
  await scene.push('gcode_move', { gcode_position: [0, 0, 1.4, 0] })
  await scene.push('virtual_sdcard', { progress: 0.25, file_position: 10 })
  await scene.printing('part.gcode')
  const current = await message(
    client,
    'current',
    ({ state, currentZ }) => state.text === 'Printing' && currentZ === 1.4,
  )
  assert.deepEqual([current.job.file.path, current.progress.completion], ['part.gcode', 25])
  assert.deepEqual([current.resends.count, current.offsets, current.state.error], [0, {}, ''])
  const withPoint = await message(client, 'current', ({ temps }) => temps.length > 0)
  assert.deepEqual(withPoint.temps[0].bed, { actual: 22.35, target: 0 })
  assert.ok(Number.isInteger(withPoint.temps[0].time))
})

test('a client that connects later receives the past of console and temperatures', async () => {
  await using scene = await Scene.open({ clock: quickClock() })
  await post(scene, '/api/printer/command', { command: 'M115' })
  using client = await connect(scene)
  assert.ok((await message(client, 'history')).logs.includes('Send: M115'))
})

test('console lines arrive with their direction', async () => {
  await using scene = await Scene.open({ clock: quickClock() })
  using client = await connect(scene)
  await message(client, 'history')
  await post(scene, '/api/printer/command', { command: 'M105' })
  scene.klippy.print('B:22')
  assert.ok(await message(client, 'current', ({ logs }) => logs.includes('Send: M105')))
  const { messages } = await message(client, 'current', ({ logs }) => logs.includes('Recv: B:22'))
  assert.ok(messages.includes('B:22'))
  // 300 lines wait for a client that reads rarely.
  scene.klippy.print(`// ${'x'.repeat(2 ** 20)}`)
  const { logs } = await message(client, 'current', current => current.logs.at(-1)?.startsWith('Recv: // x'))
  assert.equal(logs.at(-1).length, 4096)
})

test('events report the print, the printer and the files', async () => {
  await using scene = await Scene.open({ files: ['part.gcode'], clock: quickClock() })
  using client = await connect(scene)
  await message(client, 'history')
  await scene.printing('part.gcode')
  const { payload } = await event(client, 'PrintStarted')
  assert.deepEqual([payload.path, payload.origin], ['part.gcode', 'local'])
  const changed = await message(
    client,
    'event',
    ({ type, payload: { state_id } }) => type === 'PrinterStateChanged' && state_id === 'PRINTING',
  )
  assert.equal(changed.payload.state_string, 'Printing')
  await scene.push('print_stats', { state: 'paused' })
  await event(client, 'PrintPaused')
  await scene.push('print_stats', { state: 'printing' })
  await event(client, 'PrintResumed')
  await scene.push('print_stats', { state: 'complete', print_duration: 61.4 })
  assert.equal((await event(client, 'PrintDone')).payload.time, 61)
  scene.klippy.drop()
  await event(client, 'Disconnected')
})

test('a cancelled print is an event of its own, and a failed one for programs that know no other', async () => {
  await using scene = await Scene.open({ files: ['part.gcode'], clock: quickClock() })
  using client = await connect(scene)
  await message(client, 'history')
  await scene.printing('part.gcode')
  await event(client, 'PrintStarted')
  await scene.push('print_stats', { state: 'cancelled' })
  await event(client, 'PrintCancelled')
  assert.equal((await event(client, 'PrintFailed')).payload.reason, 'cancelled')
})

test('a client chooses what it receives', async () => {
  await using scene = await Scene.open({ files: ['part.gcode'], clock: quickClock() })
  using client = await connect(scene)
  await message(client, 'history')
  client.send('{"subscribe": {"state": {"logs": false}, "events": ["PrintPaused"]}}')
  client.send('{"throttle": 2}')
  client.send('no JSON')
  client.send('[]')
  await scene.printing('part.gcode')
  scene.klippy.print('unwanted')
  await scene.push('print_stats', { state: 'paused' })
  await event(client, 'PrintPaused')
  const { logs } = await message(client, 'current', ({ state }) => state.text === 'Paused')
  assert.deepEqual(logs, [])
  assert.ok(client.frames.every(frame => frame.event?.type !== 'PrintStarted'))
})

test('a client without a user receives nothing until it shows the key of a login', async () => {
  const options = { authorization: TRUST_LOOPBACK, clock: quickClock(60), printer: 'none' as const }
  await using rig = await startOctoPrint('', options)
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  const { json: login } = await post(rig, '/api/login', { passive: true }, bearer(token))
  using client = await connect(rig, ELSEWHERE)
  client.send(JSON.stringify({ auth: '_api:wrong' }))
  assert.equal((await message(client, 'reauthRequired')).reason, 'stale')
  assert.deepEqual(
    client.frames.map(frame => Object.keys(frame)[0]),
    ['connected', 'reauthRequired'],
  )
  client.send(JSON.stringify({ auth: `${login.name}:${login.session}` }))
  await message(client, 'history')
  await post(rig, '/access/logout', {}, bearer(token))
  assert.equal((await client.closed).code, 1008)
  using later = await connect(rig, ELSEWHERE)
  later.send(JSON.stringify({ auth: `${login.name}:${login.session}` }))
  assert.equal((await message(later, 'reauthRequired')).reason, 'stale')
  assert.equal((await later.closed).code, 1008, 'the time to authenticate is limited')
})

test('a client that has shown its key does not lose its place to others without a user', async () => {
  const options = { authorization: TRUST_LOOPBACK, printer: 'none' as const }
  await using rig = await startOctoPrint('', options)
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  const { json: login } = await post(rig, '/api/login', { passive: true }, bearer(token))
  using client = await connect(rig, ELSEWHERE)
  client.send(JSON.stringify({ auth: `_api:${login.session}` }))
  await message(client, 'history')
  const others = await Promise.all(Array.from({ length: 10 }, () => connect(rig, ELSEWHERE)))
  using _next = await connect(rig, ELSEWHERE)
  const dropped = await Promise.race([client, ...others].map(async each => (await each.closed) && each))
  assert.notEqual(dropped, client)
  for (const other of others) other[Symbol.dispose]()
})

test('pages of other sites cannot open the socket', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  await assert.rejects(connect(rig, { Origin: 'http://evil.test' }), /403/)
  await assert.rejects(WebClient.open(`ws://127.0.0.1:${rig.port}/sockjs/other`), /404/)
  assert.equal((await get(rig, '/sockjs/info')).websocket, true)
})

test('a subscription to events that are no names is read as far as it can be', async () => {
  await using scene = await Scene.open({ clock: quickClock() })
  using client = await connect(scene)
  await message(client, 'history')
  client.send('{"subscribe": {"events": [{"toString": null}, [[]], "PrinterStateChanged"]}}')
  await scene.printing('part.gcode')
  assert.ok(await event(client, 'PrinterStateChanged'))
})
