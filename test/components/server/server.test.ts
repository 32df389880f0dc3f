import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { moonrakerVersion } from '../../../src/core/version.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const IDENTITY = { client_name: 'test', version: '1.0', type: 'web', url: 'http://x' }

test('server.info has every field that clients read', async () => {
  await using rig = await startRig({ printer: 'none', server: 'klippy_uds_address: /x\nnonsense: 1' })
  const { json } = await sendRequest(rig.port, '/server/info')
  const { components, warnings, registered_directories, ...rest } = json.result
  assert.deepEqual(rest, {
    klippy_connected: false,
    klippy_state: 'disconnected',
    failed_components: [],
    websocket_count: 0,
    moonraker_version: moonrakerVersion(),
    missing_klippy_requirements: [],
    api_version: [1, 5, 0],
    api_version_string: '1.5.0',
  })
  assert.match(rest.moonraker_version, /^v0\.(9|1\d)\.\d+-\d+-g[0-9a-f]+$/)
  for (const name of ['klippy_apis', 'file_manager', 'authorization']) assert.ok(components.includes(name))
  for (const name of ['gcodes', 'config', 'logs']) assert.ok(registered_directories.includes(name))
  assert.match(warnings.join(), /nonsense/)
  assert.equal(new Set(components).size, components.length)
})

test('a component with an invalid option fails with a warning, as do those that need it; the server works', async () => {
  const conf = '[file_manager]\ndefault_metadata_parser_timeout: soon'
  await using rig = await startRig({ printer: 'none', conf })
  const { result } = (await sendRequest(rig.port, '/server/info')).json
  assert.deepEqual(result.failed_components, ['file_manager', 'metadata', 'analysis'])
  assert.ok(!result.components.includes('file_manager'))
  assert.match(result.warnings.join(), /\[file_manager\].*default_metadata_parser_timeout/)
})

test('server.config contains the values as read and as written, without secrets', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 7  # small' })
  const { config, orig, files } = (await sendRequest(rig.port, '/server/config')).json.result
  assert.equal(config.server.max_upload_size, 7)
  assert.equal(orig.server.max_upload_size, '7')
  assert.equal(config.server.max_websocket_connections, 50, 'defaults too')
  assert.equal(orig.server.max_websocket_connections, undefined)
  assert.equal(files[0].filename, 'moonraker.conf')
  assert.ok(files[0].sections.includes('authorization'))
})

test('a client identifies once', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const { result } = await client.call('server.connection.identify', IDENTITY)
  assert.deepEqual(result, { connection_id: (await client.call('server.websocket.id')).result.websocket_id })
  const again = await client.call('server.connection.identify', IDENTITY)
  assert.equal(again.error.code, 400)
  assert.match(again.error.message, /^Connection already identified: /)
})

test('client types are accepted in any case, unknown ones are rejected', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  for (const type of ['robot', '', 'constructor']) {
    const { error } = await client.call('server.connection.identify', { ...IDENTITY, type })
    assert.deepEqual(error, { code: 400, message: `Invalid Client Type: ${type}` })
  }
  assert.ok((await client.call('server.connection.identify', { ...IDENTITY, type: 'Display' })).result)
  for (const missing of ['client_name', 'version', 'type', 'url']) {
    using other = await WebClient.open(rig.url)
    const { error } = await other.call('server.connection.identify', { ...IDENTITY, [missing]: undefined })
    assert.deepEqual(error, { code: 400, message: `No data for argument: ${missing}` })
  }
})

test('identification with wrong credentials is refused, and can be repeated', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const { error } = await client.call('server.connection.identify', { ...IDENTITY, access_token: 'x' })
  assert.equal(error.code, -32602)
  assert.ok((await client.call('server.connection.identify', IDENTITY)).result)
})

test('an identity cannot forge the log', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const client_name = 'x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[31m'
  await client.call('server.connection.identify', { ...IDENTITY, client_name })
  const text = readFileSync(join(rig.paths.logs, 'moonraker.log'), 'utf8')
  assert.doesNotMatch(text, /^2026-01-01/m)
  assert.ok(!text.includes('\x1b'))
})

test('the reply to a restart is sent before the restart', async () => {
  await using rig = await startRig({ printer: 'none' })
  const { status, json } = await postJson(rig.port, '/server/restart', {})
  assert.deepEqual([status, json], [200, { result: 'ok' }])
  await rig.restartRequested
})

test('a client rolls the log over', async () => {
  await using rig = await startRig({ printer: 'none' })
  const file = join(rig.paths.logs, 'moonraker.log')
  rig.server.warnings.add('something to log')
  const before = readFileSync(file, 'utf8')
  const { result } = (await postJson(rig.port, '/server/logs/rollover', { application: 'moonraker' })).json
  assert.deepEqual(result, { rolled_over: ['moonraker'], failed: {} })
  assert.ok(readFileSync(`${file}.1`, 'utf8').startsWith(before))
  assert.ok(!readFileSync(file, 'utf8').startsWith(before))
  const both = (await postJson(rig.port, '/server/logs/rollover', {})).json.result
  assert.deepEqual(both.rolled_over, ['moonraker'])
  assert.deepEqual(Object.keys(both.failed), ['klipper'])
  assert.ok(existsSync(`${file}.2`))
  assert.equal((await postJson(rig.port, '/server/logs/rollover', { application: 'x' })).status, 400)
})

test('a log that cannot be rolled over is an error with the reason, without a path', async () => {
  await using rig = await startRig({ printer: 'none' })
  mkdirSync(join(rig.paths.logs, 'moonraker.log.5', 'x'), { recursive: true })
  const { result } = (await postJson(rig.port, '/server/logs/rollover', { application: 'moonraker' })).json
  assert.deepEqual(result.rolled_over, [])
  assert.match(result.failed.moonraker, /cannot be renamed/)
  assert.ok(!JSON.stringify(result).includes(rig.dataPath))
})

test('line breaks in warnings are HTML unless raw is requested', async () => {
  await using rig = await startRig({ printer: 'none' })
  rig.server.warnings.add('one\ntwo')
  const warnings = async (query: string) =>
    (await sendRequest(rig.port, `/server/info${query}`)).json.result.warnings
  assert.ok((await warnings('')).includes('one<br/>two'))
  assert.ok((await warnings('?raw=true')).includes('one\ntwo'))
})
