// What slicers send, request by request and in their order, as their sources show it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ZipFile } from 'yazl'
import { type Reply, sendRequest } from '../../support/raw-http.ts'
import { WebClient } from '../../support/web-client.ts'
import { ELSEWHERE } from '../access/access-rig.ts'
import { formBody, type Part } from '../files/form.ts'
import { get, post, Scene, startOctoPrint, type Target } from './octo-rig.ts'

/** PrusaSlicer and those that come from it: libcurl. The key is sent although it is empty. */
function curl({ port }: Target, path: string, parts?: readonly Part[]): Promise<Reply> {
  const boundary = '------------------------d74496d66958873e'
  const headers = { 'X-Api-Key': '', 'User-Agent': 'PrusaSlicer/2.8.0', Accept: '*/*' }
  if (parts === undefined) return sendRequest(port, path, { headers })
  const type = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, Expect: '100-continue' }
  return sendRequest(port, path, {
    verb: 'POST',
    headers: { ...headers, ...type },
    body: formBody(parts, boundary),
  })
}

/** Cura's plugin: Qt, which quotes the boundary and gives every part a type. */
function qtForm({ port }: Target, parts: readonly Part[]): Promise<Reply> {
  const boundary = 'boundary_.oOo._NTM1MzE0NzQ1MTMxNTIyOTQ3OQ=='
  const headers = {
    ...CURA,
    'Content-Type': `multipart/form-data; boundary="${boundary}"`,
    'MIME-Version': '1.0',
  }
  return sendRequest(port, '/api/files/local', { verb: 'POST', headers, body: formBody(parts, boundary) })
}

/** Cura connects with a key only; here, from a trusted address, any will do. */
const CURA = { 'X-Api-Key': 'typed in', 'User-Agent': 'Ultimaker-Cura/5.7.0 OctoPrintPlugin/3.7.3' }
const PLAIN = { headers: ['Content-Type: text/plain'] }
const BYTES = { headers: ['Content-Type: application/octet-stream'] }

/** How Cura builds an address: what follows `api/` is below its own address of the API. */
function endPointOf(reply: Reply): string {
  return decodeURI(String(reply.headers.location)).split('api/')[1] ?? ''
}

for (const name of ['PrusaSlicer, SuperSlicer', 'OrcaSlicer as an OctoPrint host']) {
  test(`${name}: the test of the host, then an upload that is printed`, async () => {
    await using scene = await Scene.open()
    for (const _ of ['the button in the settings', 'again before the upload']) {
      const version = await curl(scene, '/api/version')
      assert.equal(version.status, 200)
      assert.equal(typeof version.json.api, 'string')
      assert.ok(version.json.text.startsWith('OctoPrint'))
    }
    const reply = await curl(scene, '/api/files/local', [
      { name: 'print', body: 'true' },
      { name: 'path', body: 'from slicer' },
      { filename: 'Würfel (1).gcode', body: 'G28\n', ...BYTES },
    ])
    assert.equal(reply.status, 201, reply.body)
    assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="from slicer/Würfel (1).gcode"'])
    const upload = await curl(scene, '/api/files/local', [
      { name: 'print', body: 'false' },
      { name: 'path', body: '' },
      { filename: 'later.gcode', body: 'G28\n', ...BYTES },
    ])
    assert.equal(upload.status, 201, upload.body)
    assert.equal(scene.scripts.length, 1)
    assert.equal(readFileSync(join(scene.rig.paths.gcodes, 'later.gcode'), 'utf8'), 'G28\n')
  })
}

test('what PrusaSlicer shows of an upload that was refused', async () => {
  await using scene = await Scene.open()
  const reply = await curl(scene, '/api/files/local', [
    { name: 'print', body: 'true' },
    { name: 'path', body: '../elsewhere' },
    { filename: 'part.gcode', body: 'G28\n' },
  ])
  assert.equal(reply.status, 400)
  assert.match(reply.json.error.message, /leaves the folder/)
  assert.deepEqual(scene.scripts, [])
})

test('Cura: the requests of its printer dialog, then those of every two seconds', async () => {
  await using scene = await Scene.open()
  // Application keys are not offered: the key is typed in.
  assert.notEqual((await sendRequest(scene.port, '/plugin/appkeys/probe', { headers: CURA })).status, 204)
  const settings = await get(scene, '/api/settings', CURA)
  assert.equal(settings.feature.sdSupport, false)
  assert.ok('UltimakerFormatPackage' in settings.plugins)
  assert.ok('flipH' in settings.webcam && 'rotate90' in settings.webcam)
  assert.match((await get(scene, '/api/version', CURA)).server, /^\d+\.\d+\.\d+$/)
  const login = await post(scene, '/api/login', { passive: true }, CURA)
  assert.deepEqual([login.status, login.json.name], [200, '_api'])
  const { profiles } = await get(scene, '/api/printerprofiles', CURA)
  const current = Object.values(profiles as Record<string, { current: boolean; axes: object }>)[0]
  assert.deepEqual([current?.current, Object.keys(current?.axes ?? {})], [true, ['x', 'y', 'z', 'e']])
  const { temperature, state } = await get(scene, '/api/printer', CURA)
  for (const name of ['tool0', 'bed']) {
    assert.equal(typeof temperature[name].actual, 'number')
    assert.equal(typeof temperature[name].target, 'number')
  }
  const read = [
    'error',
    'closedOrError',
    'paused',
    'pausing',
    'printing',
    'cancelling',
    'ready',
    'operational',
  ]
  for (const flag of read) assert.equal(typeof state.flags[flag], 'boolean', flag)
  const job = await get(scene, '/api/job', CURA)
  assert.deepEqual([job.state, job.job.file.name, job.progress.printTime], ['Operational', null, null])
})

test('Cura: G-code that is printed at once, paused, resumed and cancelled', async () => {
  await using scene = await Scene.open()
  const reply = await qtForm(scene, [
    { name: 'path', body: '', ...PLAIN },
    { filename: 'UM_part.gcode', body: 'G28\n', ...BYTES },
    { name: 'select', body: 'true', ...PLAIN },
    { name: 'print', body: 'true', ...PLAIN },
  ])
  assert.equal(reply.status, 201, reply.body)
  assert.equal(endPointOf(reply), 'files/moonraker/gcodes/UM_part.gcode')
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="UM_part.gcode"'])
  await scene.printing('UM_part.gcode')
  await scene.push('print_stats', { print_duration: 60 })
  await scene.push('virtual_sdcard', { progress: 0.5 })
  const { job, progress } = await get(scene, '/api/job', CURA)
  assert.deepEqual(
    [job.file.name, progress.printTime, progress.completion, progress.printTimeLeft],
    ['UM_part.gcode', 60, 50, 60],
  )
  // Its button for pause sends the same command for both ways.
  assert.equal((await post(scene, '/api/job', { command: 'pause' }, CURA)).status, 204)
  await scene.push('print_stats', { state: 'paused' })
  assert.equal((await post(scene, '/api/job', { command: 'pause' }, CURA)).status, 204)
  await scene.push('print_stats', { state: 'printing' })
  assert.equal((await post(scene, '/api/job', { command: 'cancel' }, CURA)).status, 204)
  assert.deepEqual(scene.commands, ['pause', 'resume', 'cancel'])
})

test('Cura: a package with a picture, which it selects and prints afterwards', async () => {
  await using scene = await Scene.open()
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from(';FLAVOR:Marlin\nG28\n'), '3D/model.gcode')
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  const reply = await qtForm(scene, [
    { name: 'path', body: 'cura', ...PLAIN },
    { filename: 'UM part.ufp', body: Buffer.concat(chunks), ...BYTES },
  ])
  assert.equal(reply.status, 201, reply.body)
  const endPoint = endPointOf(reply)
  assert.equal(endPoint, 'files/moonraker/gcodes/cura/UM part.gcode')
  assert.deepEqual(scene.scripts, [])
  const selected = await post(scene, `/api/${encodeURI(endPoint)}`, { command: 'select', print: true }, CURA)
  assert.equal(selected.status, 204, selected.body)
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="cura/UM part.gcode"'])
})

test('from elsewhere a key is needed, in its own header or as a bearer token', async () => {
  await using scene = await Scene.open()
  const { result: key } = await get(scene, '/access/api_key')
  const status = async (headers: Record<string, string>) =>
    (await sendRequest(scene.port, '/api/version', { headers: { ...ELSEWHERE, ...headers } })).status
  assert.equal(await status({ 'X-Api-Key': '' }), 401)
  assert.equal(await status({ 'X-Api-Key': 'typed in' }), 401)
  assert.equal(await status({ 'X-Api-Key': key }), 200)
  assert.equal(await status({ Authorization: `Bearer ${key}` }), 200)
  assert.equal(await status({ Authorization: 'Bearer typed-in' }), 401)
})

test('Cura: moves, and a printer that is to be connected', async () => {
  await using scene = await Scene.open()
  const commands = ['G91', 'G0 X10 Y0 Z0 F6000', 'G90']
  assert.equal((await post(scene, '/api/printer/command', { commands }, CURA)).status, 200)
  assert.deepEqual(scene.scripts, commands)
  assert.equal((await post(scene, '/api/connection', { command: 'connect' }, CURA)).status, 204)
})

test('a slicer’s upload is printed by the virtual printer', async () => {
  await using rig = await startOctoPrint('', { speed: 20 })
  using client = await WebClient.open(rig.url)
  await client.call('printer.objects.subscribe', { objects: { print_stats: ['state'] } })
  const reply = await curl(rig, '/api/files/local', [
    { name: 'print', body: 'true' },
    { name: 'path', body: '' },
    { filename: 'part.gcode', body: 'G28\nG1 X10 F6000\n', ...BYTES },
  ])
  assert.equal(reply.json.effectivePrint, true)
  await client.find(({ params }) => params?.[0]?.print_stats?.state === 'complete')
  assert.equal((await get(rig, '/api/job')).progress.completion, 100)
})
