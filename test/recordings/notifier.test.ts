// Messages to users: what the original sent to a service, by Apprise, for the events of a print.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Sink } from '../components/notifier/sink.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const CONFIGURATION = `
[notifier all]
url: json://HOST/n/all
events: *
title: T {event_name}
body: Event {event_name} file {event_args[1].filename} prev {event_args[0].state} new {event_args[1].state} msg {event_message} dur {event_args[1].total_duration > 0}

[notifier plain]
url: json://HOST/n/plain
events: *

[notifier gcode]
url: json://HOST/n/gcode
events: gcode
body: M {event_message} {event_name}

[notifier html]
url: json://HOST/n/html
events: error
body: <b>x</b>
body_format: html
attach: {data}/config/pic.txt
  http://HOST/pic

[notifier bad]
url: json://HOST/n/bad
events: gcode
body: {event_args[7].state}
`

/** A message as it was recorded. */
const message = (text: string, title = '', attachments: unknown[] = []) => ({
  version: '1.0',
  title,
  message: text,
  attachments,
  type: 'info',
})

const RESUMED = [
  ['/n/all', message('Event resumed file slow.gcode prev paused new printing msg  dur True', 'T resumed')],
  ['/n/plain', message('resumed')],
] as const
const COMPLETE = [
  [
    '/n/all',
    message('Event complete file slow.gcode prev printing new complete msg  dur True', 'T complete'),
  ],
  ['/n/plain', message('complete')],
] as const
const TEST = ['/n/gcode', message('M  gcode')] as const
const REMOTE = ['/n/gcode', message('M hi remote_action')] as const
/** Apprise takes the types of files from their names, and those of downloads from the reply. */
const HTML = [
  '/n/html',
  message('x', '', [
    { filename: 'pic.txt', base64: 'YXR0YWNobWVudCB0ZXh0', mimetype: 'text/plain' },
    { filename: 'pic', base64: 'eyJvayI6dHJ1ZX0=', mimetype: 'application/json' },
  ]),
] as const

test('a service gets the messages of the original', async () => {
  await using stack = new AsyncDisposableStack()
  const sink = stack.use(await Sink.start())
  sink.reply = () => ({ status: 200, body: '{"ok":true}' })
  const klippy = stack.use(await FakeKlippy.start())
  const rig = stack.use(
    await startRig({
      klippySocket: klippy.path,
      ready: true,
      debug: true,
      conf: CONFIGURATION.replaceAll('HOST', sink.host),
      prepare: ({ config }) => writeFileSync(join(config, 'pic.txt'), 'attachment text'),
    }),
  )
  using client = await WebClient.open(rig.url)
  let expected: (readonly [string, unknown])[] = []
  /** The messages after `act`, in any order: those of one notifier keep theirs. */
  const expectMessages = async (act: () => unknown, further: readonly (readonly [string, unknown])[]) => {
    expected = [...expected, ...further]
    await act()
    const posts = () => sink.received.filter(({ method }) => method === 'POST')
    while (posts().length < expected.length) await sink.requests(sink.received.length + 1)
    const received = posts().map(({ path, body }) => [path, JSON.parse(body)])
    assert.deepEqual(received.toSorted(byPath), expected.toSorted(byPath))
  }
  const push = (state: string, seconds: number) =>
    klippy.push('print_stats', { state, filename: 'slow.gcode', total_duration: seconds })
  push('printing', 0)
  await sink.requests(2)
  push('paused', 1)
  await sink.requests(4)
  sink.received.length = 0
  await expectMessages(() => push('printing', 2), RESUMED)
  await expectMessages(() => push('complete', 3), COMPLETE)
  const debug = (name: string) => client.call('debug.notifiers.test', { name })
  await expectMessages(() => debug('gcode'), [TEST])
  await expectMessages(() => klippy.call('notify', { name: 'gcode', message: 'hi' }), [REMOTE])
  await expectMessages(() => debug('html'), [HTML])
  assert.deepEqual((await debug('zz')).error, { code: -32601, message: "Notifier 'zz' not found" })
  assert.equal((await debug('bad')).error.code, 500)
})

function byPath([first]: readonly unknown[], [second]: readonly unknown[]): number {
  return String(first).localeCompare(String(second))
}
