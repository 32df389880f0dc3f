// Replies that do not depend on the printer, and the access to them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { bearer, createUser, ELSEWHERE, TRUST_LOOPBACK } from '../access/access-rig.ts'
import { get, post, startOctoPrint } from './octo-rig.ts'

/** As it was recorded from the original. */
const USER = {
  _is_external_client: false,
  _login_mechanism: 'apikey',
  name: '_api',
  active: true,
  user: true,
  admin: true,
  apikey: null,
  permissions: [],
  groups: ['admins', 'users'],
}

test('version, server, user and settings are those of the original', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const version = await get(rig, '/api/version')
  assert.deepEqual([version.server, version.api], ['1.5.0', '0.1'])
  assert.match(version.text, /^OctoPrint \(Moonraker v\d/)
  assert.deepEqual(await get(rig, '/api/server'), {
    server: '1.5.0',
    version: '1.5.0',
    safemode: 'settings',
  })
  assert.deepEqual(await get(rig, '/api/currentuser'), USER)
  const settings = await get(rig, '/api/settings')
  assert.deepEqual(settings.feature, { sdSupport: false, temperatureGraph: false })
  assert.equal(settings.plugins.UltimakerFormatPackage.installed_version, '0.2.2')
  assert.deepEqual(settings.webcam, {
    flipH: false,
    flipV: false,
    rotate90: false,
    streamUrl: '/webcam/?action=stream',
    webcamEnabled: true,
  })
})

test('a login returns the user of the caller, by either verb, with a key for the push socket', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const { session: first, ...user } = await get(rig, '/api/login')
  assert.deepEqual(user, USER)
  const reply = await post(rig, '/api/login', { passive: true })
  const { session: second, ...same } = reply.json
  assert.deepEqual([reply.status, same], [200, USER])
  assert.notEqual(first, second)
  assert.equal(reply.headers['set-cookie'], undefined)
  const logout = await sendRequest(rig.port, '/api/logout', { verb: 'POST' })
  assert.deepEqual([logout.status, logout.body], [204, ''])
})

test('every option is honoured, and none is reported as unknown', async () => {
  const lines = [
    'enable_ufp: False',
    'flip_h: True',
    'flip_v: True',
    'rotate_90: True',
    'stream_url: http://camera.local/stream',
    'webcam_enabled: False',
  ]
  await using rig = await startOctoPrint(lines.join('\n'), { printer: 'none' })
  const settings = await get(rig, '/api/settings')
  assert.deepEqual(settings.plugins, {})
  assert.deepEqual(settings.webcam, {
    flipH: true,
    flipV: true,
    rotate90: true,
    streamUrl: 'http://camera.local/stream',
    webcamEnabled: false,
  })
  assert.deepEqual(rig.server.warnings.list(), [])
  const { components, failed_components } = (await get(rig, '/server/info')).result
  assert.ok(components.includes('octoprint_compat'))
  assert.deepEqual(failed_components, [])
})

test('without the section there is no OctoPrint, and what we do not have is missing with it', async () => {
  await using without = await startRig({ printer: 'none' })
  assert.equal((await sendRequest(without.port, '/api/version')).status, 404)
  await using rig = await startOctoPrint('', { printer: 'none' })
  for (const path of ['/api/nosuch', '/api/plugin/appkeys', '/plugin/appkeys/probe', '/api/timelapse']) {
    const reply = await sendRequest(rig.port, path)
    assert.deepEqual([reply.status, reply.json.error], [404, { code: 404, message: 'Not Found' }], path)
  }
  assert.equal((await post(rig, '/plugin/appkeys/request', { app: 'Cura' })).status, 404)
  assert.equal((await sendRequest(rig.port, '/api/version', { verb: 'POST' })).status, 405)
  assert.equal((await sendRequest(rig.port, '/api/job', { verb: 'DELETE' })).status, 405)
})

test('an unchanged reply is not sent twice, and HEAD has no body', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const first = await sendRequest(rig.port, '/api/settings')
  const headers = { 'If-None-Match': String(first.headers.etag) }
  assert.equal((await sendRequest(rig.port, '/api/settings', { headers })).status, 304)
  const head = await sendRequest(rig.port, '/api/settings', { verb: 'HEAD' })
  assert.deepEqual([head.status, head.body], [200, ''])
  assert.equal(head.headers['content-length'], first.headers['content-length'])
})

test('the routes are in the OpenAPI document', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const { paths } = await get(rig, '/openapi.json')
  const verbs = Object.fromEntries(
    Object.entries(paths as Record<string, object>)
      .filter(([path]) => path.startsWith('/api/'))
      .map(([path, item]) => [path, Object.keys(item).join(' ')]),
  )
  assert.deepEqual(verbs, {
    '/api/version': 'get',
    '/api/server': 'get',
    '/api/login': 'get post',
    '/api/currentuser': 'get',
    '/api/logout': 'post',
    '/api/settings': 'get',
    '/api/connection': 'get post',
    '/api/printerprofiles': 'get',
    '/api/printer': 'get',
    '/api/printer/command': 'post',
    '/api/job': 'get post',
    '/api/files': 'get',
    '/api/files/local': 'get post',
    '/api/files/{location}/{path}': 'get post delete',
  })
})

test('unauthenticated clients get nothing, viewers read, operators print; roles show in the user', async () => {
  await using rig = await startOctoPrint('', { printer: 'none', authorization: TRUST_LOOPBACK })
  const { token } = await createUser(rig, 'v', { role: 'viewer' })
  const operator = (await createUser(rig, 'o', { role: 'operator' })).token
  for (const path of ['/api/version', '/api/job', '/api/files', '/api/nosuch']) {
    assert.equal((await sendRequest(rig.port, path, { headers: ELSEWHERE })).status, 401, path)
    const seen = (await sendRequest(rig.port, path, { headers: bearer(token) })).status
    assert.equal(seen, path === '/api/nosuch' ? 404 : 200, path)
  }
  const viewer = await get(rig, '/api/currentuser', bearer(token))
  assert.deepEqual([viewer.admin, viewer.groups], [false, ['readonly']])
  assert.deepEqual((await get(rig, '/api/currentuser', bearer(operator))).groups, ['users'])
  assert.equal((await post(rig, '/api/login', { passive: true }, bearer(token))).status, 200)
  const changing = [
    ['POST', '/api/job'],
    ['POST', '/api/printer/command'],
    ['POST', '/api/connection'],
    ['POST', '/api/files/local'],
    ['POST', '/api/files/local/x.gcode'],
    ['DELETE', '/api/files/local/x.gcode'],
  ] as const
  for (const [verb, path] of changing) {
    const asViewer = await sendRequest(rig.port, path, { verb, headers: bearer(token), body: '{}' })
    assert.equal(asViewer.status, 403, `${verb} ${path}`)
    const asOperator = await sendRequest(rig.port, path, { verb, headers: bearer(operator), body: '{}' })
    assert.ok(![401, 403].includes(asOperator.status), `${verb} ${path}`)
  }
})

test('with forced logins no address grants access, and a key does', async () => {
  const authorization = `${TRUST_LOOPBACK}force_logins: True`
  await using rig = await startOctoPrint('', { printer: 'none', authorization })
  const { result: key } = await get(rig, '/access/api_key')
  await createUser(rig, 'other', {})
  for (const path of ['/api/version', '/api/login', '/api/files/local', '/api/settings']) {
    assert.equal((await sendRequest(rig.port, path)).status, 401, path)
    assert.equal((await sendRequest(rig.port, path, { headers: { 'X-Api-Key': key } })).status, 200, path)
  }
})

test('pages of other sites change nothing', async () => {
  await using rig = await startOctoPrint('', { printer: 'none' })
  const headers = { Origin: 'http://evil.test', 'Content-Type': 'text/plain' }
  const paths = ['/api/job', '/api/printer/command', '/api/files/local', '/api/files/local/x.gcode']
  for (const path of paths) {
    assert.equal((await sendRequest(rig.port, path, { verb: 'POST', headers, body: '{}' })).status, 403, path)
  }
  const allowed = { ...headers, Origin: 'http://allowed.test' }
  const reply = await sendRequest(rig.port, '/api/job', {
    verb: 'POST',
    headers: allowed,
    body: '{"command":"start"}',
  })
  assert.equal(reply.status, 409)
  assert.equal(reply.headers['access-control-allow-origin'], 'http://allowed.test')
})
