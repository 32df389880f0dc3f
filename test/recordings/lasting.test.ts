// Recorded exchanges over WebSocket, unix socket and the bridge to Klippy, replayed against a whole server.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Rig, startRig } from '../support/rig.ts'
import { type Exchange, loadRecording } from './fixture.ts'
import { improvementOf } from './improvements.ts'
import {
  compareReplies,
  type Lasting,
  openUnixSocket,
  openWebSocket,
  replay,
  type Sentinel,
} from './lasting.ts'
import { CONFIGURATION, fillIn, prepare } from './prepare.ts'

const SENTINEL: Sentinel = {
  send: '{"jsonrpc":"2.0","method":"server.websocket.id","id":"sentinel"}',
  id: 'sentinel',
}

/** Replays a whole recording on one connection, each exchange as a test of its own. */
async function replayAll(
  t: TestContext,
  recording: string,
  open: (rig: Rig) => Promise<Lasting>,
  sentinelAfter: (exchange: Exchange) => Sentinel | null,
): Promise<void> {
  await using rig = await startRig({ conf: CONFIGURATION })
  await prepare(recording, rig)
  await using connection = await open(rig)
  for (const exchange of loadRecording<Exchange>(recording)) {
    await t.test(exchange.name, async () => {
      const better = improvementOf(recording, exchange)?.replies
      const expected = better ?? exchange.replies
      const { send } = exchange
      const filled = typeof send === 'string' ? await fillIn(send, rig) : send
      const sentinel = sentinelAfter(exchange)
      const { replies, problems } = await replay(
        connection,
        { ...exchange, send: filled },
        expected,
        sentinel,
      )
      assert.deepEqual(problems, [])
      if (better !== undefined) {
        assert.notDeepEqual(
          compareReplies(exchange.replies, replies),
          [],
          'no improvement any more: as recorded',
        )
      }
    })
  }
}

for (const recording of ['ws_core', 'ws_raw', 'ws_db', 'ws_jobqueue', 'ws_files']) {
  test(`WebSocket: ${recording}`, t =>
    replayAll(
      t,
      recording,
      rig => openWebSocket(`${rig.url}/websocket`),
      () => SENTINEL,
    ))
}

test('unix socket: unix_socket', t =>
  replayAll(
    t,
    'unix_socket',
    rig => openUnixSocket(rig.socketPath),
    // After a message that is not complete anything else would become part of it.
    ({ send }) =>
      typeof send === 'string' && send.endsWith('\u0003')
        ? { ...SENTINEL, send: `${SENTINEL.send}\u0003` }
        : null,
  ))

test('bridge: ws_klippysocket', t =>
  replayAll(
    t,
    'ws_klippysocket',
    rig => openWebSocket(`${rig.url}/klippysocket`),
    () => ({ send: '{"id":1000000,"method":"info","params":{}}', id: 1_000_000 }),
  ))
