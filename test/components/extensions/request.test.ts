// Requests of other clients to agents: answers, errors, silence, nonsense.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandClock } from '../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { connectAgent } from './agent-client.ts'

const PATH = '/server/extensions/request'
const request = (client: WebClient, more: object = {}) =>
  client.call('server.extensions.request', { agent: 'a', method: 'do.it', ...more })

test('a request reaches the agent with its arguments, and any answer is returned', async () => {
  await using rig = await startRig({ printer: 'none' })
  const results = [{ deep: [1, { x: null }] }, [], null, 0, '', false, 'text']
  using agent = await connectAgent(rig.url, 'a', ({ params }: Frame) => ({
    result: results[params?.at ?? 0],
  }))
  using client = await WebClient.open(rig.url)
  for (const [at, expected] of results.entries()) {
    assert.deepEqual((await request(client, { arguments: { at } })).result, expected)
    const { status, json } = await postJson(rig.port, PATH, {
      agent: 'a',
      method: 'do.it',
      arguments: { at },
    })
    assert.deepEqual([status, json], [200, { result: expected }])
  }
  const requests = agent.frames.filter(({ method }) => method === 'do.it')
  assert.deepEqual(requests[2].params, { at: 1 })
  for (const none of [undefined, null, {}, []]) await request(client, { arguments: none })
  const bare = agent.frames.filter(({ method }) => method === 'do.it').slice(-4)
  for (const frame of bare) assert.deepEqual(Object.keys(frame).sort(), ['id', 'jsonrpc', 'method'])
  await request(client, { arguments: [1, 'two'] })
  assert.deepEqual(agent.frames.at(-1).params, [1, 'two'])
})

test('long integers go through as they are', async () => {
  await using rig = await startRig({ printer: 'none' })
  using agent = await connectAgent(rig.url, 'a')
  const texts: string[] = []
  agent.ws.on('message', data => texts.push((data as Buffer).toString()))
  const body = '{"agent":"a","method":"do.it","arguments":{"id":12345678901234567890}}'
  const headers = { 'Content-Type': 'application/json' }
  const reply = sendRequest(rig.port, PATH, { verb: 'POST', headers, body })
  const { id } = await agent.find(({ method }) => method === 'do.it')
  assert.match(texts.at(-1) ?? '', /12345678901234567890/)
  agent.send(`{"jsonrpc":"2.0","result":98765432109876543210,"id":${id}}`)
  assert.equal((await reply).body, '{"result":98765432109876543210}')
})

test("an agent's error reaches the caller with its data", async () => {
  await using rig = await startRig({ printer: 'none' })
  const error = { code: -32000, message: 'no', data: { why: ['because'] } }
  using agent = await connectAgent(rig.url, 'a', () => ({ error }))
  using client = await WebClient.open(rig.url)
  const expected = { code: 424, message: 'Agent a RPC error', data: error }
  assert.deepEqual((await request(client)).error, expected)
  const { status, json } = await postJson(rig.port, PATH, { agent: 'a', method: 'do.it' })
  assert.deepEqual([status, json.error], [424, { code: 424, message: expected.message }])
  assert.equal(agent.ws.readyState, agent.ws.OPEN)
})

test('an invalid request is refused', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const message = "The 'arguments' field must contain an object or a list"
  for (const args of [5, 'text', true]) {
    assert.deepEqual((await request(client, { arguments: args })).error, { code: 400, message })
  }
  const send = (args: string) =>
    client.exchange(
      `{"jsonrpc":"2.0","method":"server.extensions.request","params":{"agent":"a","method":"m","arguments":${args}},"id":"x"}`,
    )
  assert.deepEqual((await send('12345678901234567890')).error, { code: 400, message })
  assert.deepEqual((await request(client)).error, { code: 400, message: 'Agent a not connected' })
  assert.equal((await request(client, { method: undefined })).error.message, 'No data for argument: method')
})

/** So deep that it can be read, but not written. */
const DEEP = '['.repeat(100_000) + ']'.repeat(100_000)

test('a message with too many levels is refused, from any sender', async () => {
  await using rig = await startRig({ printer: 'none' })
  using agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  const params = `{"agent":"a","method":"deep","arguments":${DEEP}}`
  const refused = await client.exchange(
    `{"jsonrpc":"2.0","method":"server.extensions.request","params":${params},"id":"deep"}`,
  )
  const message = "The parameters of 'deep' are nested too deeply"
  assert.deepEqual(refused.error, { code: 400, message })
  for (const [method, answer, error] of [
    ['result', `"result":${DEEP}`, { code: 502, message: 'Agent a answered with what is nested too deeply' }],
    ['error', `"error":${DEEP}`, { code: 424, message: 'Agent a RPC error' }],
  ] as const) {
    const reply = request(client, { method })
    const { id } = await agent.find(frame => frame.method === method)
    agent.send(`{"jsonrpc":"2.0",${answer},"id":${id}}`)
    assert.deepEqual((await reply).error, error)
  }
  assert.doesNotMatch(rig.log.join('\n'), / ERROR /)
})

test('long arguments and long answers close no connection', async () => {
  await using rig = await startRig({ printer: 'none' })
  const text = 'ä'.repeat(8_000_000)
  using agent = await connectAgent(rig.url, 'a', () => ({ result: text }))
  using client = await WebClient.open(rig.url)
  const reply = request(client, { arguments: [text] })
  const requests = await agent.find(({ method }) => method === 'do.it')
  const others = Array.from({ length: 20 }, () => client.call('server.extensions.list'))
  const answered = await reply
  assert.equal(answered.error, undefined)
  assert.equal(answered.result.length, text.length)
  for (const { result } of await Promise.all(others)) assert.equal(result.agents.length, 1)
  assert.equal(requests.params[0].length, text.length)
})

test('an agent that does not read gets no more requests, and is not disconnected for earlier ones', async () => {
  await using rig = await startRig({ printer: 'none' })
  using agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  agent.ws.pause()
  const replies = Array.from({ length: 40 }, () => request(client, { arguments: ['x'.repeat(1_000_000)] }))
  const { error } = await Promise.race(replies)
  assert.deepEqual(error, {
    code: 503,
    message: 'Agent a is too slow: it does not read what the server sends',
  })
  assert.equal((await client.call('server.extensions.list')).result.agents.length, 1)
  agent.ws.resume()
  await agent.find(({ method }) => method === 'do.it')
})

test('an agent that does not answer is waited for so long, and its late and double answers are ignored', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  using agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  const waitsBefore = clock.waits().length
  const overHttp = postJson(rig.port, PATH, { agent: 'a', method: 'hang' })
  const { id } = await agent.find(({ method }) => method === 'hang')
  const overSocket = request(client, { method: 'hang.too' })
  await agent.find(({ method }) => method === 'hang.too')
  clock.pass(60)
  const message = "Agent a did not answer 'hang' within 60 s"
  assert.deepEqual((await overHttp).json.error, { code: 504, message })
  assert.equal((await overSocket).error.code, 504)
  // What only waits at the start may be over by now.
  assert.ok(clock.waits().length <= waitsBefore, 'no timer is left')
  for (let times = 0; times < 3; times += 1) agent.send(JSON.stringify({ jsonrpc: '2.0', result: 1, id }))
  const next = request(client)
  const requests = await agent.find(({ method }) => method === 'do.it')
  for (const result of ['first', 'second'])
    agent.send(JSON.stringify({ jsonrpc: '2.0', result, id: requests.id }))
  assert.equal((await next).result, 'first')
  assert.equal((await client.call('server.extensions.list')).result.agents.length, 1)
})

test('an agent that goes takes the questions with it', async () => {
  await using rig = await startRig({ printer: 'none' })
  const agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  const reply = request(client)
  await agent.find(({ method }) => method === 'do.it')
  agent.ws.terminate()
  assert.deepEqual((await reply).error, { code: 500, message: 'Client Socket Disconnected' })
})

test('requests to an agent that never answers are limited', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  using agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  const replies = Array.from({ length: 101 }, () => request(client))
  const { error } = await Promise.race(replies)
  assert.deepEqual(error, {
    code: 503,
    message: 'Agent a is too slow: 100 requests wait for its replies',
  })
  clock.pass(60)
  const codes = (await Promise.all(replies)).map(reply => reply.error.code)
  assert.deepEqual(new Set(codes), new Set([503, 504]))
  assert.equal(agent.frames.filter(({ method }) => method === 'do.it').length, 100)
})

test('invalid answers are ignored', async () => {
  await using rig = await startRig({ printer: 'none' })
  using agent = await connectAgent(rig.url, 'a')
  using client = await WebClient.open(rig.url)
  const reply = request(client)
  const { id } = await agent.find(({ method }) => method === 'do.it')
  for (const text of ['', '{', '[]', '[[]]', `{"id":${id}}`, `{"jsonrpc":"2.0","result":1,"id":[${id}]}`]) {
    agent.send(text)
  }
  agent.send(`[{"jsonrpc":"2.0","result":"real","id":${id}}]`)
  assert.equal((await reply).result, 'real')
})
