// server.spoolman.proxy: what reaches Spoolman, and what clients receive in both forms of the reply.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene } from './scene.ts'

const proxy = (scene: Scene, request: Record<string, unknown>) =>
  scene.call('proxy', { request_method: 'GET', path: '/v1/spool/1', ...request })

test('passes a request on, and returns the reply in both forms', async () => {
  await using scene = await Scene.start()
  const list = { path: '/v1/spool', query: 'limit=2&sort=id' }
  assert.equal((await proxy(scene, list)).result.length, 3)
  const { result } = await proxy(scene, { ...list, use_v2_response: true })
  assert.equal(result.response.length, 3)
  assert.equal(result.response_headers['X-Total-Count'], '3')
  assert.equal(result.error, null)
  const change = { request_method: 'PATCH', body: { comment: 'x' } }
  assert.equal((await proxy(scene, change)).result.comment, 'x')
  assert.deepEqual(scene.spoolman.requests.at(0), {
    method: 'GET',
    path: '/api/v1/spool?limit=2&sort=id',
    body: null,
  })
  assert.deepEqual(scene.spoolman.requests.at(-1), {
    method: 'PATCH',
    path: '/api/v1/spool/1',
    body: { comment: 'x' },
  })
})

test("returns Spoolman's errors in both forms", async () => {
  await using scene = await Scene.start()
  const unknown = { path: '/v1/spool/77' }
  assert.deepEqual((await proxy(scene, unknown)).error, { code: -32601, message: 'Not Found' })
  assert.deepEqual((await proxy(scene, { ...unknown, use_v2_response: true })).result, {
    response: null,
    error: { status_code: 404, message: 'No spool with ID 77 found.' },
  })
  scene.spoolman.failure = () => ({ status: 422, body: '{"detail":[]}' })
  assert.deepEqual((await proxy(scene, { use_v2_response: true })).result.error, {
    status_code: 422,
    message: 'HTTP 422: Unprocessable Entity',
  })
  scene.spoolman.failure = () => 'drop before'
  assert.equal((await proxy(scene, {})).error.code, 500)
  assert.equal((await proxy(scene, { use_v2_response: true })).result.error.status_code, 500)
  scene.spoolman.failure = () => ({ status: 200, body: 'text' })
  for (const use_v2_response of [false, true]) {
    assert.deepEqual((await proxy(scene, { use_v2_response })).error, {
      code: 500,
      message: 'Spoolman returned something other than JSON',
    })
  }
})

test('refuses requests that Spoolman must not receive', async () => {
  await using scene = await Scene.start()
  const refused: [Record<string, unknown>, string][] = [
    [{ request_method: 'HEAD' }, 'Invalid HTTP method: HEAD'],
    [{ request_method: 'get' }, 'Invalid HTTP method: get'],
    [{ body: {} }, 'GET requests cannot have a body'],
    ...['/spool', '/v1', '/v1/../../admin', '/v1/%2e%2e/%2e%2e/x', '@evil.test/v1/x', '/v1/x#y'].map(
      (path): [Record<string, unknown>, string] => [
        { path },
        'Invalid path, must start with the API version, e.g. /v1',
      ],
    ),
  ]
  for (const [request, message] of refused) {
    assert.deepEqual((await proxy(scene, request)).error, { code: 400, message }, JSON.stringify(request))
  }
  assert.deepEqual(scene.spoolman.requests, [])
})

test('a request without a connection to Spoolman is an error', async () => {
  await using scene = await Scene.start({ isListening: false })
  for (const use_v2_response of [false, true]) {
    assert.deepEqual((await proxy(scene, { use_v2_response })).error, {
      code: 503,
      message: 'Spoolman server not available',
    })
  }
})
