import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const KLIPPY = '/server/files/klippy.log'
const MOONRAKER = '/server/files/moonraker.log'

test("moonraker.log returns the server's own log", async () => {
  await using rig = await startRig({ printer: 'none' })
  const reply = await sendRequest(rig.port, `${MOONRAKER}?date=123`)
  assert.equal(reply.status, 200)
  assert.match(reply.headers['content-type'] ?? '', /^text\/plain/)
  assert.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.body)))
  assert.match(reply.headers['content-disposition'] ?? '', /^attachment; filename="moonraker.log"/)
  assert.match(reply.body, /INFO|WARNING|DEBUG/)
  const head = await sendRequest(rig.port, MOONRAKER, { verb: 'HEAD' })
  assert.deepEqual([head.status, head.body], [200, ''])
})

test('klippy.log is the file that Klippy reports', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: false })
  assert.equal((await sendRequest(rig.port, KLIPPY)).status, 404)
  const folder = join(rig.dataPath, 'elsewhere')
  mkdirSync(folder)
  writeFileSync(join(folder, 'other.log'), 'Starting Klippy...\n')
  klippy.answer('info', () => ({ state: 'ready', state_message: '', log_file: join(folder, 'other.log') }))
  const before = klippy.connections
  klippy.drop()
  await klippy.waitForConnection(before + 1)
  let reply = await sendRequest(rig.port, KLIPPY)
  while (reply.status !== 200) reply = await sendRequest(rig.port, KLIPPY)
  assert.equal(reply.body, 'Starting Klippy...\n')
  assert.match(reply.headers['content-disposition'] ?? '', /filename="klippy.log"/)
  const part = await sendRequest(rig.port, KLIPPY, { headers: { Range: 'bytes=-4' } })
  assert.deepEqual([part.status, part.body], [206, '...\n'])
})

test('before Klippy connects, klippy.log is in the logs folder; unauthenticated clients get 401', async () => {
  await using rig = await startRig({ printer: 'none' })
  writeFileSync(join(rig.paths.logs, 'klippy.log'), 'old\n')
  assert.equal((await sendRequest(rig.port, KLIPPY)).body, 'old\n')
  await using closed = await startRig({ printer: 'none', authorization: 'trusted_clients:\n  10.9.8.7' })
  for (const path of [KLIPPY, MOONRAKER]) assert.equal((await sendRequest(closed.port, path)).status, 401)
})
