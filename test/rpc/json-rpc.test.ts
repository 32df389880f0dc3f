import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { get, post, rpcOnly } from '../../src/api/endpoint.ts'
import { ApiError } from '../../src/core/errors.ts'
import type { Caller } from '../../src/rpc/caller.ts'
import { answer, rpcCode } from '../../src/rpc/json-rpc.ts'
import { Registry, type RegistryOptions } from '../../src/rpc/registry.ts'
import { TRUSTED_USER } from '../../src/rpc/user.ts'
import { bool, int, json, list, string } from '../../src/schema/index.ts'
import { chapterOf, serveOne } from '../support/chapter.ts'

const TRUSTED: Caller = { transport: 'websocket', address: '127.0.0.1', user: TRUSTED_USER, connection: null }
const UNAUTHENTICATED: Caller = { ...TRUSTED, user: null }

const chapter = chapterOf({
  'test.now': get('/test/now', { summary: 'At once', result: json() }),
  'test.echo': post('/test/echo', { summary: 'Echo', params: { text: string() }, result: string() }),
  'test.sum': post('/test/sum', {
    summary: 'Later',
    params: { values: list(int()), negate: bool().default(false) },
    result: int(),
  }),
  'test.refuse': post('/test/refuse', { summary: 'Refuses', params: { status: int() }, result: json() }),
  'test.break': get('/test/break', {
    summary: 'Breaks',
    params: { late: bool().default(false) },
    result: json(),
  }),
  'test.open': rpcOnly({ summary: 'For everyone', result: string(), auth: false }),
  'test.http': get('/test/http', { summary: 'Over HTTP only', result: string(), transports: ['http'] }),
})

const internalError = () => new Error('cannot read /home/pi/secrets.txt')

function registry(options: RegistryOptions = {}): Registry {
  const made = new Registry(options)
  made.serve(chapter, {
    'test.now': () => 0,
    'test.echo': ({ text }) => text,
    'test.sum': async ({ values, negate }) => values.reduce((a, b) => a + b, 0) * (negate ? -1 : 1),
    'test.refuse': ({ status }) => {
      throw new ApiError(status, `refused ${status}`)
    },
    'test.break': ({ late }) => {
      if (late) return Promise.reject(internalError())
      throw internalError()
    },
    'test.open': () => 'open',
    'test.http': () => 'http',
  })
  return made
}

async function send(message: unknown, caller = TRUSTED, served = registry()) {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  const reply = await answer(served, text, caller)
  return reply === undefined ? undefined : JSON.parse(reply)
}

const call = (method: string, params?: unknown, id: unknown = 1) => ({ jsonrpc: '2.0', method, params, id })
const invalid = (id: unknown = null) => ({
  jsonrpc: '2.0',
  error: { code: -32600, message: 'Invalid Request' },
  id,
})

test('what is not JSON is a parse error', async () => {
  for (const text of [
    '',
    'hello',
    '{',
    '{"jsonrpc":"2.0","method":"test.now","params":{"a":NaN},"id":34}',
    '\0',
  ]) {
    const reply = await send(text)
    assert.deepEqual(reply, { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error' }, id: null })
  }
})

test('what is not a request is an invalid request', async () => {
  for (const message of ['5', 'null', '"x"', 'true', '{}', '[]', '{"foo":1}']) {
    assert.deepEqual(await send(message), invalid())
  }
  for (const message of [
    { method: 'test.now', id: 7 },
    { jsonrpc: '1.0', method: 'test.now', id: 7 },
    { jsonrpc: 2, method: 'test.now', id: 7 },
    { jsonrpc: '2.0', method: 5, id: 7 },
    { jsonrpc: '2.0', method: null, id: 7 },
    { jsonrpc: '2.0', method: ['test.now'], id: 7 },
  ]) {
    assert.deepEqual(await send(message), invalid(7))
  }
})

test('the reply repeats the id, also 0 and objects', async () => {
  for (const id of [0, -1, 1.5, 'a', '', true, false, { a: 1 }, [1], 2 ** 53, 1e300]) {
    assert.deepEqual(await send(call('test.now', undefined, id)), { jsonrpc: '2.0', result: 0, id })
  }
  const huge = '{"jsonrpc":"2.0","method":"test.now","id":123456789012345678901234567890}'
  assert.equal((await send(huge)).id, 1.2345678901234568e29)
})

test('without an id there is no reply, except for an error, with the id null', async () => {
  for (const id of ['', ',"id":null']) {
    const notify = (method: string, params = '{}') =>
      send(`{"jsonrpc":"2.0","method":"${method}","params":${params}${id}}`)
    assert.equal(await notify('test.now'), undefined)
    assert.equal(await notify('test.sum', '{"values":[1]}'), undefined)
    assert.deepEqual((await notify('nosuch')).error, { code: -32601, message: 'Method not found' })
    assert.equal((await notify('nosuch')).id, null)
    assert.deepEqual((await notify('test.now', '[1]')).error, { code: -32602, message: 'Invalid params:' })
    assert.equal((await notify('test.break', '{"late":true}')).id, null)
  }
})

test('params must be an object where they are given', async () => {
  for (const params of [null, [], [1], 'x', 5, true]) {
    const reply = await send(call('test.now', params, 12))
    assert.deepEqual(reply, { jsonrpc: '2.0', error: { code: -32602, message: 'Invalid params:' }, id: 12 })
  }
})

test('unknown parameters are ignored', async () => {
  assert.equal((await send(call('test.echo', { text: 'a', foo: 1, __proto__: 2 }))).result, 'a')
})

test('errors name the invalid parameter', async () => {
  const error = async (method: string, params: unknown) => (await send(call(method, params))).error
  assert.deepEqual(await error('test.echo', {}), { code: 400, message: 'No data for argument: text' })
  assert.deepEqual(await error('test.echo', { text: null }), {
    code: 400,
    message: 'Unable to convert argument [text] to string: value received: null',
  })
  assert.match((await error('test.sum', { values: 5 })).message, /\[values\] to list: value received: 5$/)
  assert.match((await error('test.sum', { values: [1, 'x'] })).message, /\[values\[1\]\] to int.*: x$/)
  assert.match(
    (await error('test.sum', { values: [], negate: 'maybe' })).message,
    /\[negate\] to bool.*: maybe$/,
  )
})

test('an error message does not grow with the value that it shows', async () => {
  const { error } = await send(call('test.sum', { values: { long: 'x'.repeat(100_000) } }))
  assert.ok(error.message.length < 300)
})

test('codes are HTTP statuses, but for the two that clients compare', async () => {
  for (const status of [400, 403, 409, 422, 500, 501, 503]) {
    const { error } = await send(call('test.refuse', { status }))
    assert.deepEqual(error, { code: status, message: `refused ${status}` })
  }
  assert.equal((await send(call('test.refuse', { status: 404 }))).error.code, -32601)
  assert.equal((await send(call('test.refuse', { status: 401 }))).error.code, -32602)
  assert.equal(rpcCode(404), -32601)
})

test('an error may carry data', async () => {
  const served = registry()
  serveOne(served, 'test.data', rpcOnly({ summary: 'Data', result: json() }), () => {
    throw new ApiError(409, 'conflict', { data: { by: 'x' } })
  })
  const { error } = await send(call('test.data'), TRUSTED, served)
  assert.deepEqual(error, { code: 409, message: 'conflict', data: { by: 'x' } })
})

test('methods are found by their exact names and on their own transports', async () => {
  for (const name of ['Test.Now', 'test/now', 'test', '', 'constructor', '__proto__', 'toString']) {
    assert.deepEqual((await send(call(name))).error, { code: -32601, message: 'Method not found' }, name)
  }
  const wrongWay = await send(call('test.http'))
  assert.deepEqual(wrongWay.error, { code: -32601, message: 'Method not found for transport WEBSOCKET' })
  const overHttp = await send(call('test.open'), { ...TRUSTED, transport: 'http' })
  assert.equal(overHttp.error.message, 'Method not found for transport HTTP')
})

test('an unauthenticated client may call open methods only', async () => {
  assert.deepEqual((await send(call('test.now'), UNAUTHENTICATED)).error, {
    code: -32602,
    message: 'Unauthorized',
  })
  assert.deepEqual((await send(call('test.echo', {}), UNAUTHENTICATED)).error, {
    code: -32602,
    message: 'Unauthorized',
  })
  assert.equal((await send(call('test.open'), UNAUTHENTICATED)).result, 'open')
})

test('an unexpected error is reported and hidden; in debug mode the caller gets its text', async () => {
  const reported: unknown[] = []
  for (const late of [false, true]) {
    const hiding = registry({ onError: (method, error) => reported.push([method, (error as Error).message]) })
    const hidden = await send(call('test.break', { late }), TRUSTED, hiding)
    assert.deepEqual(hidden.error, { code: 500, message: 'Internal Server Error' })
    const shown = await send(call('test.break', { late }), TRUSTED, registry({ debug: true }))
    assert.deepEqual(shown.error, { code: 500, message: 'cannot read /home/pi/secrets.txt' })
  }
  assert.deepEqual(reported, Array(2).fill(['test.break', 'cannot read /home/pi/secrets.txt']))
})

test('a batch is answered in order, each call with its result or error', async () => {
  const replies = await send([
    call('test.sum', { values: [1, 2] }, 'later'),
    call('test.now', undefined, 0),
    call('nosuch', undefined, 2),
    { jsonrpc: '2.0', method: 'test.now' },
    { foo: 1 },
    5,
    null,
    [call('test.now')],
    call('test.now', undefined, 0),
  ])
  assert.deepEqual(replies, [
    { jsonrpc: '2.0', result: 3, id: 'later' },
    { jsonrpc: '2.0', result: 0, id: 0 },
    { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: 2 },
    invalid(),
    invalid(),
    invalid(),
    invalid(),
    { jsonrpc: '2.0', result: 0, id: 0 },
  ])
})

test('a batch of notifications has no reply', async () => {
  const notification = { jsonrpc: '2.0', method: 'test.now' }
  assert.equal(await send([notification, notification]), undefined)
  assert.equal(await send([{ ...notification, method: 'test.sum', params: { values: [] } }]), undefined)
})

test('the replies to a batch have a limit; calls beyond it are refused, and not executed', async () => {
  for (const isLate of [false, true]) {
    const served = new Registry()
    let executed = 0
    serveOne(served, 'test.long', get('/test/long', { summary: 'A long text', result: string() }), () => {
      executed += 1
      const text = 'x'.repeat(8 * 1024 * 1024)
      // The first one ends before the others, which shows how long a reply can be.
      if (!isLate) return text
      return executed === 1 ? Promise.resolve(text) : delay(200, text)
    })
    const ids = [0, 'a', { b: 1 }, 3, 4, 5, 6, 7]
    const batch = [...ids.map(id => call('test.long', undefined, id)), 5]
    const replies = await send(batch, TRUSTED, served)
    assert.deepEqual(
      replies.map(({ id, error }: { id: unknown; error?: { code: number } }) => [id, error?.code]),
      [...ids.map((id, index) => [id, index < 4 ? undefined : 413]), [null, 413]],
    )
    assert.equal(executed, 4)
  }
})

test('of the calls in a batch that end later, at most 16 are in progress', async () => {
  const served = new Registry()
  const sixteen = Promise.withResolvers<void>()
  let running = 0
  let most = 0
  serveOne(served, 'test.slow', get('/test/slow', { summary: 'Slow', result: string() }), async () => {
    running += 1
    most = Math.max(most, running)
    if (running === 16) setTimeout(sixteen.resolve, 20)
    await sixteen.promise
    running -= 1
    return 'done'
  })
  const batch = Array.from({ length: 40 }, (_, id) => call('test.slow', undefined, id))
  const replies = await send(batch, TRUSTED, served)
  assert.deepEqual(
    replies.map(({ id, result }: { id: number; result: string }) => [id, result]),
    batch.map(({ id }) => [id, 'done']),
  )
  assert.equal(most, 16)
})

test('a call in a batch sees what the calls before it have changed, and nothing of those after it', async () => {
  const served = new Registry()
  let stored = 0
  serveOne(served, 'test.read', get('/test/read', { summary: 'Reads', result: int() }), async () => {
    await delay(1)
    return stored
  })
  const write = post('/test/write', { summary: 'Writes', params: { value: int() }, result: string() })
  serveOne(served, 'test.write', write, async ({ value }: { readonly value: number }) => {
    await delay(5)
    stored = value
    return 'ok'
  })
  const batch = [
    call('test.read', undefined, 1),
    call('test.write', { value: 7 }, 2),
    call('test.read', undefined, 3),
    { jsonrpc: '2.0', method: 'test.write', params: { value: 8 } },
    call('test.read', undefined, 4),
  ]
  const replies = await send(batch, TRUSTED, served)
  assert.deepEqual(
    replies.map(({ id, result }: { id: number; result: unknown }) => [id, result]),
    [
      [1, 0],
      [2, 'ok'],
      [3, 7],
      [4, 8],
    ],
  )
})

test('a batch may hold 1000 calls and no more', async () => {
  const batch = Array.from({ length: 1000 }, (_, id) => call('test.now', undefined, id))
  assert.equal((await send(batch)).length, 1000)
  for (const tooMany of [[...batch, call('test.now')], Array(10_000).fill(5)]) {
    const reply = await send(tooMany)
    assert.equal(reply.error.code, -32600)
    assert.match(reply.error.message, /at most 1000/)
    assert.equal(reply.id, null)
  }
})

test('replies without a request are ignored', async () => {
  assert.equal(await send({ jsonrpc: '2.0', result: 1, id: 99 }), undefined)
  assert.equal(await send({ jsonrpc: '2.0', error: { code: 1, message: 'x' }, id: 99 }), undefined)
  assert.equal(await send({ jsonrpc: '2.0', id: 9 }), undefined)
  assert.equal(await send([{ jsonrpc: '2.0', result: 1, id: 99 }]), undefined)
})

test('deeply nested values do not break the server', async () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  assert.equal((await send(`{"jsonrpc":"2.0","method":"test.now","params":{"a":${deep}},"id":1}`)).result, 0)
  assert.equal(
    (await send(`{"jsonrpc":"2.0","method":"test.echo","params":{"text":${deep}},"id":1}`)).error.code,
    400,
  )
  assert.deepEqual(await send(`{"jsonrpc":"2.0","method":"test.now","id":${deep}}`), invalid())
  assert.deepEqual(await send(`{"jsonrpc":"2.0","method":"nosuch","id":${deep}}`), invalid())
  assert.deepEqual(await send(`{"id":${deep}}`), invalid())
  assert.deepEqual(
    await send(`{"jsonrpc":"2.0","method":"test.sum","params":{"values":[]},"id":${deep}}`),
    invalid(),
  )
  assert.deepEqual(await send(deep), [invalid()])
})

test('a result that JSON cannot contain is null', async () => {
  const served = registry()
  serveOne(served, 'test.nothing', rpcOnly({ summary: 'Nothing', result: json() }), () => undefined)
  assert.deepEqual(await send(call('test.nothing'), TRUSTED, served), { jsonrpc: '2.0', result: null, id: 1 })
})
