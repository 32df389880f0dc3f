// [notifier NAME] when the server stops: messages that wait are sent before its end, or after its next start.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RestartableServer } from '../../support/restartable-server.ts'
import { type Received, Sink } from './sink.ts'

const textsOf = (received: readonly Received[]) => received.map(({ body }) => JSON.parse(body).message)

function notifier(sink: Sink): string {
  return `[notifier a]\nurl: json://${sink.host}/a\nevents: started\nbody: {event_message}\n`
}

/** Sends messages as a macro does. */
async function notify(server: RestartableServer, ...texts: readonly string[]): Promise<void> {
  await server.client()
  for (const message of texts) server.klippy.call('notify', { name: 'a', message })
}

test('a message that waits for its next attempt is sent when the server stops, and those after it', async () => {
  await using sink = await Sink.start()
  let failures = 2
  sink.reply = () => ({ status: failures-- > 0 ? 503 : 200 })
  await using server = await RestartableServer.start({ conf: notifier(sink) })
  await notify(server, 'one', 'two', 'three')
  // The third attempt would be 10 s after the second.
  await sink.requests(2)
  await server.end()
  assert.deepEqual(textsOf(sink.received), ['one', 'one', 'one', 'two', 'three'])
})

test('messages to a service that cannot be reached are sent after the next start, once', async () => {
  await using sink = await Sink.start()
  sink.reply = () => ({ status: 503 })
  await using server = await RestartableServer.start({ conf: notifier(sink) })
  await notify(server, 'one', 'two')
  await sink.requests(1)
  await server.end()
  sink.received.length = 0
  sink.reply = () => ({ status: 200 })
  await server.start()
  assert.deepEqual(textsOf(await sink.requests(2)), ['one', 'two'])
  await server.restart()
  await notify(server, 'three')
  assert.deepEqual(textsOf(await sink.requests(3)), ['one', 'two', 'three'])
})

test('a service that hangs delays the stop for a limited time', async () => {
  await using sink = await Sink.start()
  sink.reply = () => 'hang'
  await using server = await RestartableServer.start({ conf: notifier(sink) })
  await notify(server, 'one')
  await sink.requests(1)
  await server.end()
  sink.reply = () => ({ status: 200 })
  await server.start()
  assert.deepEqual(textsOf(await sink.requests(2)), ['one', 'one'])
})

test('a message that the service refuses is not sent again', async () => {
  await using sink = await Sink.start()
  sink.reply = () => ({ status: 400 })
  await using server = await RestartableServer.start({ conf: notifier(sink) })
  await notify(server, 'one', 'two')
  await sink.requests(2)
  sink.reply = () => ({ status: 200 })
  await server.restart()
  await notify(server, 'three')
  assert.deepEqual(textsOf(await sink.requests(3)), ['one', 'two', 'three'])
})
