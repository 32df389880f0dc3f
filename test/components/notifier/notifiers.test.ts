// [notifier NAME] in a server: messages for prints and macros, in order, whatever other notifiers do.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultPrinterCfg } from '../../../src/virtual-printer/index.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { type Received, Sink } from './sink.ts'

const PRINTER_CFG = `${defaultPrinterCfg({ strict: true })}
[gcode_macro NOTIFY]
gcode:
  {action_call_remote_method("notify", name=params.NAME, message=params.MSG)}
`

/** Enough moves for several status updates. */
const GCODE = [
  'G28',
  'G1 X10 F6000',
  ...Array.from({ length: 900 }, (_, index) => `G1 X${10 + (index % 2) * 90}`),
].join('\n')

function messages(received: readonly Received[], path: string): string[] {
  return received.filter(request => request.path === path).map(({ body }) => JSON.parse(body).message)
}

async function startPrinter(sink: Sink, conf: string, options: RigOptions = {}) {
  const rig = await startRig({ speed: 200, conf: conf.replaceAll('HOST', sink.host), ...options })
  const client = await WebClient.open(rig.url)
  const stop = async () => {
    client[Symbol.dispose]()
    await rig[Symbol.asyncDispose]()
  }
  return { rig, client, [Symbol.asyncDispose]: stop }
}

async function print(rig: Rig, client: WebClient): Promise<void> {
  writeFileSync(join(rig.paths.gcodes, 'part.gcode'), `${GCODE}\n`)
  // The components follow the print once Klippy has replied to a later query.
  await client.call('printer.objects.query', { objects: { toolhead: null } })
  await client.call('printer.print.start', { filename: 'part.gcode' })
}

test('a print sends its events in order, with values of before and after', async () => {
  await using sink = await Sink.start()
  await using at = await startPrinter(
    sink,
    `[notifier all]
url: json://HOST/all
events: *
title: T {event_name}
body: {event_name} {event_args[1].filename} {event_args[0].state} {event_args[1].state} {event_args[1].info.total_layer}
[notifier end]
url: json://HOST/end
events: complete, error
`,
  )
  await print(at.rig, at.client)
  const received = await sink.requests(3)
  assert.deepEqual(messages(received, '/all'), [
    'started part.gcode standby printing None',
    'complete part.gcode printing complete None',
  ])
  assert.deepEqual(messages(received, '/end'), ['complete'])
  assert.equal(JSON.parse(received.find(({ path }) => path === '/all')?.body ?? '').title, 'T started')
})

test('a message is tried again until its service replies, before later messages', async () => {
  await using sink = await Sink.start()
  let failures = 1
  sink.reply = () => (failures-- > 0 ? { status: 503, body: 'busy' } : { status: 200 })
  await using at = await startPrinter(
    sink,
    `[notifier a]\nurl: json://HOST/a\nevents: started\nbody: {event_name}{event_message}\n`,
    { printerCfg: PRINTER_CFG },
  )
  await at.client.call('printer.gcode.script', { script: 'NOTIFY NAME=a MSG=one' })
  await at.client.call('printer.gcode.script', { script: 'NOTIFY NAME=a MSG=two' })
  const received = await sink.requests(3)
  assert.deepEqual(messages(received, '/a'), ['remote_actionone', 'remote_actionone', 'remote_actiontwo'])
})

test('one notifier that fails stops no other', async context => {
  const { PATH } = process.env
  context.after(() => {
    process.env.PATH = PATH
  })
  // Without the program apprise.
  process.env.PATH = '/nonexistent'
  await using sink = await Sink.start()
  sink.reply = ({ path }) => (path === '/hangs' ? 'hang' : { status: 200 })
  await using at = await startPrinter(
    sink,
    `[notifier hangs]
url: json://HOST/hangs
events: *
[notifier template]
url: json://HOST/template
events: *
body: {event_args[7].filename}
[notifier unknown]
url: sms://HOST/x
events: *
[notifier empty]
url: ntfy://
events: *
[notifier good]
url: json://HOST/good
events: started
`,
  )
  const { warnings } = (await at.client.call('server.info')).result
  assert.ok(warnings.some((text: string) => /'unknown'.*needs the program apprise.*ntfy/s.test(text)))
  assert.ok(warnings.some((text: string) => /'empty'.*no topic/.test(text)))
  await print(at.rig, at.client)
  while (!sink.received.some(({ path }) => path === '/good')) await sink.requests(sink.received.length + 1)
  assert.ok(at.rig.log.some(line => /\[notifier template\] not delivered: .*"body".*line 1/.test(line)))
})

test('the list replies with an attachment too, and shows templates as they are written', async () => {
  await using sink = await Sink.start()
  await using at = await startPrinter(
    sink,
    '[notifier a]\nurl: {secrets.ntfy.url}\nevents: started, error\nattach:\n  /a.png\n  http://cam/snapshot\n',
    { printer: 'none', prepare: paths => writeFileSync(paths.secrets, '[ntfy]\nurl: ntfy://topic\n') },
  )
  const { result } = await at.client.call('server.notifiers.list')
  assert.deepEqual(result.notifiers, [
    {
      name: 'a',
      url: '{secrets.ntfy.url}',
      title: null,
      body: null,
      body_format: null,
      events: ['started', 'error'],
      attach: '/a.png\nhttp://cam/snapshot',
    },
  ])
  assert.equal((await at.client.call('debug.notifiers.test', { name: 'a' })).error.code, -32601)
})

test('the test endpoint sends the first event with attachments, and reports why it cannot', async () => {
  await using sink = await Sink.start()
  await using at = await startPrinter(
    sink,
    `[notifier a]
url: json://HOST/a
events: complete
body_format: html
body: <b>{event_name}</b> {event_args[1].filename}
attach:
  {'config/moonraker.conf'}
  http://HOST/cam
  none.png
`,
    { debug: true },
  )
  const { result } = await at.client.call('debug.notifiers.test', { name: 'a' })
  assert.deepEqual([result.status, result.stats.filename], ['success', 'notifier_test.gcode'])
  const message = JSON.parse(sink.received.at(-1)?.body ?? '')
  assert.equal(message.message, 'complete notifier_test.gcode')
  assert.deepEqual(
    message.attachments.map(({ filename }: { filename: string }) => filename),
    ['moonraker.conf', 'cam'],
  )
  assert.ok(at.rig.log.some(line => /attachment 'none\.png' is left out/.test(line)))
  sink.reply = ({ path }) => ({ status: path === '/a' ? 403 : 200, body: 'wrong key' })
  const refused = await at.client.call('debug.notifiers.test', { name: 'a' })
  assert.deepEqual([refused.error.code, /replied 403.*wrong key/.test(refused.error.message)], [502, true])
  const unknown = await at.client.call('debug.notifiers.test', { name: 'zz' })
  assert.deepEqual(unknown.error, { code: -32601, message: "Notifier 'zz' not found" })
})

test('a service without a native sender goes through the program apprise', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'apprise-'))
  const { PATH } = process.env
  context.after(() => {
    process.env.PATH = PATH
    rmSync(folder, { recursive: true })
  })
  process.env.PATH = `${folder}:${PATH}`
  const output = join(folder, 'output')
  const script = `#!/bin/sh\n{ printf '%s\\n' "$@"; cat "\${1#--config=}"; cat; } > ${output}.new && mv ${output}.new ${output}\n`
  writeFileSync(join(folder, 'apprise'), script, { mode: 0o755 })
  await using sink = await Sink.start()
  await using at = await startPrinter(
    sink,
    '[notifier a]\nurl: sms://secret@host/1\nevents: complete\ntitle: -t\nbody: text\nbody_format: markdown\n',
    { debug: true },
  )
  assert.equal((await at.client.call('debug.notifiers.test', { name: 'a' })).result.status, 'success')
  const [config, ...rest] = readFileSync(output, 'utf8').split('\n')
  assert.match(config ?? '', /^--config=.*apprise\.conf$/)
  assert.deepEqual(rest, ['--input-format=markdown', '--title=-t', 'sms://secret@host/1', 'text'])
})
