import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../../support/fake-klippy.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

async function scene() {
  const klippy = await FakeKlippy.start()
  const rig = await startRig({ klippySocket: klippy.path, ready: true })
  const client = await WebClient.open(rig.url)
  const dispose = async () => {
    client.ws.terminate()
    await rig[Symbol.asyncDispose]()
    await klippy[Symbol.asyncDispose]()
  }
  return { klippy, rig, client, [Symbol.asyncDispose]: dispose }
}

test("each of the printer's methods reaches its endpoint of Klippy's", async () => {
  await using at = await scene()
  const calls: [string, string, unknown?][] = [
    ['printer.emergency_stop', 'emergency_stop'],
    ['printer.restart', 'gcode/restart'],
    ['printer.firmware_restart', 'gcode/firmware_restart'],
    ['printer.query_endstops.status', 'query_endstops/status'],
    ['printer.gcode.help', 'gcode/help'],
    ['printer.print.pause', 'pause_resume/pause'],
    ['printer.print.resume', 'pause_resume/resume'],
    ['printer.print.cancel', 'pause_resume/cancel'],
    ['printer.objects.list', 'objects/list'],
  ]
  at.klippy.answer('gcode/help', () => ({ G28: 'Home' }))
  at.klippy.answer('query_endstops/status', () => ({ x: 'open' }))
  for (const [method, endpoint] of calls) {
    const before = at.klippy.count(endpoint)
    const { result, error } = await at.client.call(method)
    assert.equal(error, undefined, method)
    assert.equal(at.klippy.count(endpoint), before + 1, method)
    assert.ok(result === 'ok' || typeof result === 'object')
  }
})

test('the same over HTTP, with the documented verbs', async () => {
  await using at = await scene()
  at.klippy.answer('gcode/help', () => ({ G28: 'Home' }))
  for (const path of ['restart', 'firmware_restart', 'print/pause', 'print/resume', 'print/cancel']) {
    assert.deepEqual((await postJson(at.rig.port, `/printer/${path}`, {})).json, { result: 'ok' }, path)
    assert.equal((await sendRequest(at.rig.port, `/printer/${path}`)).status, 405, path)
  }
  for (const path of ['emergency_stop', 'info', 'objects/list', 'gcode/help']) {
    assert.equal((await sendRequest(at.rig.port, `/printer/${path}`)).status, 200)
    assert.equal((await postJson(at.rig.port, `/printer/${path}`, {})).status, 200)
  }
})

test("a hardware panel's GET stops the printer, a browser's does not", async () => {
  await using at = await scene()
  const stop = async (headers: Record<string, string>) =>
    (await sendRequest(at.rig.port, '/printer/emergency_stop', { headers })).status
  for (const headers of [
    { Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'none' },
    { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64)' },
  ]) {
    assert.equal(await stop(headers), 403, JSON.stringify(headers))
  }
  assert.equal(at.klippy.count('emergency_stop'), 0)
  assert.equal(await stop({ 'User-Agent': 'ESP8266HTTPClient' }), 200)
  assert.equal(at.klippy.count('emergency_stop'), 1)
})

test('an endpoint that Klipper does not have is not found', async () => {
  await using at = await scene()
  at.klippy.answer('pause_resume/pause', () => {
    throw new Refusal("webhooks: No registered callback for path 'pause_resume/pause'")
  })
  const message =
    "Klipper has no endpoint 'pause_resume/pause': printer.cfg lacks a section, or Klipper is too old"
  assert.deepEqual((await at.client.call('printer.print.pause')).error, { code: -32601, message })
  const { status, json } = await postJson(at.rig.port, '/printer/print/pause', {})
  assert.deepEqual([status, json.error], [404, { code: 404, message }])
})

test('G-code goes to Klippy unchanged', async () => {
  await using at = await scene()
  const scripts = ['G28', 'M117 ☃ ünï', 'G1 X1\nG1 X2', '']
  for (const [index, script] of scripts.entries()) {
    assert.equal((await at.client.call('printer.gcode.script', { script })).result, 'ok')
    assert.deepEqual(await at.klippy.waitFor('gcode/script', index + 1), { script })
  }
})

test('a file is printed under its name, with any characters in it', async () => {
  await using at = await scene()
  const cases: [string, string][] = [
    ['a.gcode', 'SDCARD_PRINT_FILE FILENAME="a.gcode"'],
    ['/dir/a b.gcode', 'SDCARD_PRINT_FILE FILENAME="dir/a b.gcode"'],
    ["it's.gcode", 'SDCARD_PRINT_FILE FILENAME="it\'s.gcode"'],
    ['a "b".gcode', 'SDCARD_PRINT_FILE FILENAME="a \\"b\\".gcode"'],
    ['a\\b.gcode', 'SDCARD_PRINT_FILE FILENAME="a\\\\b.gcode"'],
    ['a*b#c.gcode', 'SDCARD_PRINT_FILE FILENAME="a*b#c.gcode"'],
    ['ü☃.gcode', 'SDCARD_PRINT_FILE FILENAME="ü☃.gcode"'],
  ]
  for (const [index, [filename, script]] of cases.entries()) {
    assert.equal((await at.client.call('printer.print.start', { filename })).result, 'ok')
    assert.deepEqual(await at.klippy.waitFor('gcode/script', index + 1), { script })
  }
})

test('a name that would end the command, or is empty, is rejected', async () => {
  await using at = await scene()
  for (const filename of ['a;b.gcode', 'a\nM112\n.gcode', 'a\rM112.gcode', '";M112;".gcode']) {
    const { error } = await at.client.call('printer.print.start', { filename })
    assert.equal(error.code, 400, filename)
    assert.match(error.message, /^Klipper cannot print a file with/)
  }
  for (const filename of ['', '/']) {
    const { error } = await at.client.call('printer.print.start', { filename })
    assert.deepEqual([error.code, error.message], [400, "The argument 'filename' names no file"])
  }
  assert.equal(at.klippy.count('gcode/script'), 0)
})

test('a print starts with the file name in the query or in the body', async () => {
  await using at = await scene()
  const { json } = await postJson(at.rig.port, '/printer/print/start?filename=a.gcode', {
    filename: 'a.gcode',
  })
  assert.deepEqual(json, { result: 'ok' })
  const missing = await postJson(at.rig.port, '/printer/print/start', {})
  assert.equal(missing.json.error.message, 'No data for argument: filename')
})

test('arguments that Klippy checks go to Klippy', async () => {
  await using at = await scene()
  for (const script of [5, null, ['G28'], {}]) {
    await at.client.call('printer.gcode.script', { script })
    assert.deepEqual(at.klippy.requests.at(-1), { method: 'gcode/script', params: { script } })
  }
})

test('the console store keeps commands and responses', async () => {
  await using at = await scene()
  await at.client.call('printer.gcode.script', { script: 'M115' })
  at.klippy.print('FIRMWARE_NAME: Klipper')
  await at.client.notified('notify_gcode_response')
  const { gcode_store } = (await at.client.call('server.gcode_store')).result
  assert.deepEqual(
    gcode_store.map(({ message, type }: Record<string, string>) => [type, message]),
    [
      ['command', 'M115'],
      ['response', 'FIRMWARE_NAME: Klipper'],
    ],
  )
})
