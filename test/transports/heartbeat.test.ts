// Pings of the server, and clients that do not answer them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { HandClock } from '../support/hand-clock.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const PING_SECONDS = 10
const CALL = '{"jsonrpc":"2.0","method":"server.info","id":1}'

async function openWith(rig: Rig, options: { readonly autoPong: boolean }): Promise<WebSocket> {
  const ws = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`, options)
  await once(ws, 'open')
  return ws
}

/** Calls a method; when it is answered, what was sent before it has arrived. */
async function call(ws: WebSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  ws.on('message', data => {
    if ((data as Buffer).includes('"result"')) resolve()
  })
  ws.send(CALL)
  await promise
  ws.removeAllListeners('message')
}

/** Lets one period pass; resolves with the payload of the ping. */
async function nextPing(clock: HandClock, ws: WebSocket): Promise<Buffer> {
  const ping = once(ws, 'ping')
  clock.pass(PING_SECONDS)
  return (await ping)[0]
}

test('the server pings every 10 s, each time with other bytes, and a client that answers stays', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  using client = await WebClient.open(rig.url)
  const payloads = new Set<string>()
  for (let round = 0; round < 20; round += 1) {
    payloads.add((await nextPing(clock, client.ws)).toString('hex'))
    // A reply comes after the pong has arrived.
    assert.equal((await client.call('server.info')).result.websocket_count, 1)
  }
  assert.equal(payloads.size, 20)
  assert.ok([...payloads].every(payload => payload.length === 16))
})

test('a client that answers no ping is disconnected after a minute, whatever else it sends', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  for (const send of [
    () => {},
    (ws: WebSocket) => ws.send(CALL),
    (ws: WebSocket) => ws.pong(),
    (ws: WebSocket) => ws.pong('12345678'),
    (ws: WebSocket, last: Buffer) => ws.pong(last.fill(0)),
    (ws: WebSocket) => ws.ping(),
  ]) {
    const ws = await openWith(rig, { autoPong: false })
    const closed = once(ws, 'close')
    for (let round = 0; round < 6; round += 1) send(ws, await nextPing(clock, ws))
    assert.equal(ws.readyState, WebSocket.OPEN)
    clock.pass(PING_SECONDS)
    assert.equal((await closed)[0], 1006, String(send))
  }
})

test('one answer to the last ping makes good for those before it, an answer to an older one does not', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  const ws = await openWith(rig, { autoPong: false })
  for (let round = 0; round < 3; round += 1) {
    for (let count = 0; count < 4; count += 1) await nextPing(clock, ws)
    ws.pong(await nextPing(clock, ws))
    await call(ws)
  }
  const old = await nextPing(clock, ws)
  for (let count = 0; count < 5; count += 1) {
    await nextPing(clock, ws)
    ws.pong(old)
  }
  const closed = once(ws, 'close')
  clock.pass(PING_SECONDS)
  await closed
})

test('one timer pings all clients, and none runs without clients', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  const timers = () => clock.waits().filter(seconds => seconds === PING_SECONDS).length
  const before = timers()
  using client = await WebClient.open(rig.url)
  using other = await WebClient.open(rig.url)
  await Promise.all([client.call('server.info'), other.call('server.info')])
  assert.equal(timers(), before + 1)
  for (const each of [client, other]) each.ws.terminate()
  await Promise.all([client.closed, other.closed])
  while (timers() > before) await new Promise(resolve => setImmediate(resolve))
})
