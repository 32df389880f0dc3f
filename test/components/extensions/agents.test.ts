// Agents: identification, events, methods, and what remains when an agent disconnects.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openUnixSocket } from '../../recordings/lasting.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { connectAgent, eventsSeenBy, identityOf, introduction } from './agent-client.ts'

const noPrinter = () => startRig({ printer: 'none' })
const identify = (client: WebClient, identity: object) =>
  client.call('server.connection.identify', { ...introduction('x'), ...identity })

test('agents connect, are listed and disconnect, and all other clients are notified', async () => {
  await using rig = await noPrinter()
  using watcher = await WebClient.open(rig.url)
  const first = await connectAgent(rig.url, 'first')
  using second = await connectAgent(rig.url, 'second')
  const { result } = (await sendRequest(rig.port, '/server/extensions/list')).json
  assert.deepEqual(result, { agents: [identityOf('first'), identityOf('second')] })
  first.ws.close()
  await watcher.notified('notify_agent_event', 3)
  assert.deepEqual(eventsSeenBy(watcher), [
    { agent: 'first', event: 'connected', data: identityOf('first') },
    { agent: 'second', event: 'connected', data: identityOf('second') },
    { agent: 'first', event: 'disconnected' },
  ])
  await second.notified('notify_agent_event')
  assert.deepEqual(eventsSeenBy(second), [{ agent: 'first', event: 'disconnected' }], 'nothing of itself')
  assert.deepEqual((await watcher.call('server.extensions.list')).result, { agents: [identityOf('second')] })
})

test('an agent that left may come again, one of a name at a time', async () => {
  await using rig = await noPrinter()
  using watcher = await WebClient.open(rig.url)
  const first = await connectAgent(rig.url, 'one')
  using other = await WebClient.open(rig.url)
  const refused = await identify(other, { client_name: 'one' })
  assert.deepEqual(refused.error, { code: 400, message: "Agent 'one' already registered and connected'" })
  assert.ok((await identify(watcher, { client_name: 'one', type: 'web' })).result, 'others may have the name')
  first.ws.close()
  await watcher.notified('notify_agent_event', 2)
  assert.ok((await identify(other, { client_name: 'one' })).result, 'on the same connection')
})

test('an agent over the unix socket is one too', async () => {
  await using rig = await noPrinter()
  await using socket = await openUnixSocket(rig.socketPath)
  const params = introduction('unix')
  socket.send(
    `${JSON.stringify({ jsonrpc: '2.0', method: 'server.connection.identify', params, id: 1 })}\u0003`,
  )
  assert.equal(((await socket.next()) as { id: number }).id, 1)
  const { result } = (await sendRequest(rig.port, '/server/extensions/list')).json
  assert.deepEqual(result.agents, [identityOf('unix')])
})

test('an agent must identify itself completely, with short texts', async () => {
  await using rig = await noPrinter()
  using client = await WebClient.open(rig.url)
  for (const missing of ['version', 'url']) {
    const { error } = await identify(client, { [missing]: undefined })
    assert.deepEqual(error, { code: 400, message: `No data for argument: ${missing}` })
  }
  for (const wrong of [{ client_name: ' ' }, { client_name: 'x'.repeat(301) }, { url: 'x'.repeat(301) }]) {
    assert.equal((await identify(client, wrong)).error.code, 400)
  }
  assert.deepEqual((await client.call('server.extensions.list')).result, { agents: [] })
})

test('who may only look is no agent', async () => {
  await using rig = await startRig({
    printer: 'none',
    authorization: 'trusted_clients:\n  127.0.0.1\ntrusted_role: viewer',
  })
  using client = await WebClient.open(rig.url)
  assert.equal((await identify(client, {})).error.code, 403)
  assert.ok((await identify(client, { type: 'web' })).result)
  assert.equal((await sendRequest(rig.port, '/server/extensions/list')).status, 200)
  assert.equal((await postJson(rig.port, '/server/extensions/request', {})).status, 403)
  for (const method of ['server.extensions.request', 'connection.send_event']) {
    assert.equal((await client.call(method, {})).error.code, 403, method)
  }
})

test('unauthenticated clients and pages of other sites learn of no agent and call none', async () => {
  await using rig = await noPrinter()
  using unauthenticated = await WebClient.open(rig.url, { 'X-Forwarded-For': '203.0.113.5' })
  using _agent = await connectAgent(rig.url, 'a')
  for (const method of ['server.extensions.list', 'server.extensions.request', 'connection.send_event']) {
    assert.equal((await unauthenticated.call(method, {})).error.message, 'Unauthorized', method)
  }
  assert.deepEqual(eventsSeenBy(unauthenticated), [])
  const headers = { Origin: 'http://evil.test', 'Content-Type': 'application/json' }
  const body = JSON.stringify({ agent: 'a', method: 'm' })
  const reply = await sendRequest(rig.port, '/server/extensions/request', { verb: 'POST', headers, body })
  assert.equal(reply.status, 403)
})

test('events reach all others, with their data or without', async () => {
  await using rig = await noPrinter()
  using watcher = await WebClient.open(rig.url)
  using agent = await connectAgent(rig.url, 'teller')
  const data = [{ a: 1, b: [true, null] }, [1], 'text', 0, false, '']
  for (const each of data)
    assert.equal((await agent.call('connection.send_event', { event: 'e', data: each })).result, 'ok')
  agent.send('{"jsonrpc":"2.0","method":"connection.send_event","params":{"event":"bare","data":null}}')
  await watcher.notified('notify_agent_event', 2 + data.length)
  assert.deepEqual(eventsSeenBy(watcher).slice(1), [
    ...data.map(each => ({ agent: 'teller', event: 'e', data: each })),
    { agent: 'teller', event: 'bare' },
  ])
  assert.deepEqual(eventsSeenBy(agent), [])
})

test('only agents send events and register methods, and some names are reserved', async () => {
  await using rig = await noPrinter()
  using client = await WebClient.open(rig.url)
  await identify(client, { type: 'other' })
  const only = (what: string) => ({
    code: 400,
    message: `Only connections of the 'agent' type can ${what}`,
  })
  const method = { method_name: 'm' }
  assert.deepEqual((await client.call('connection.send_event', { event: 'e' })).error, only('send events'))
  assert.deepEqual(
    (await client.call('connection.register_remote_method', method)).error,
    only('register methods'),
  )
  const body = JSON.stringify({
    jsonrpc: '2.0',
    method: 'connection.send_event',
    params: { event: 'e' },
    id: 1,
  })
  const headers = { 'Content-Type': 'application/json' }
  const { json } = await sendRequest(rig.port, '/server/jsonrpc', { verb: 'POST', headers, body })
  assert.equal(json.error.code, -32601, 'not over HTTP')
  using agent = await connectAgent(rig.url, 'a')
  for (const event of ['connected', 'disconnected']) {
    const { error } = await agent.call('connection.send_event', { event })
    assert.deepEqual(error, { code: 400, message: `Event '${event}' is reserved` })
  }
})

/** A reply that the server sends after everything that came before on this connection. */
const listed = async (client: WebClient) => (await client.call('server.extensions.list')).result.agents

test('a flood of events is refused, and others live on', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  using watcher = await WebClient.open(rig.url)
  using agent = await connectAgent(rig.url, 'flood')
  const event = { event: 'e', data: 1 }
  const replies = await Promise.all(
    Array.from({ length: 500 }, () => agent.call('connection.send_event', event)),
  )
  const refused = replies.filter(({ error }) => error !== undefined)
  assert.equal(refused.length, 300)
  assert.equal(refused[0].error.code, 429)
  clock.pass(1)
  assert.equal((await agent.call('connection.send_event', event)).result, 'ok')
  assert.equal((await listed(watcher)).length, 1)
  assert.equal(eventsSeenBy(watcher).length, 202)
})

test('long events are bounded, each and together', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  using watcher = await WebClient.open(rig.url)
  using agent = await connectAgent(rig.url, 'flood')
  const send = (data: unknown) => agent.call('connection.send_event', { event: 'e', data })
  assert.equal((await send('x'.repeat(300_000))).error.code, 400)
  const codes: unknown[] = []
  for (let sent = 0; sent < 6; sent += 1) codes.push((await send('x'.repeat(250_000))).error?.code)
  assert.deepEqual(codes, [undefined, undefined, undefined, undefined, 429, 429])
  agent.send(
    `{"jsonrpc":"2.0","method":"connection.send_event","params":{"event":"deep","data":${'['.repeat(100_000)}${']'.repeat(100_000)}},"id":"deep"}`,
  )
  assert.equal((await agent.find(({ id }) => id === 'deep')).error.code, 400)
  assert.equal((await listed(watcher)).length, 1)
})
