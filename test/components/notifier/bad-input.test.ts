// [notifier NAME] with options that cannot be used, and services that reply with something else.
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { type Reply, Sink } from './sink.ts'

const LOOP = '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}'

/** A server with debug endpoints, and a function that tests a notifier. */
async function start(conf: string) {
  const rig = await startRig({ printer: 'virtual', debug: true, conf })
  const client = await WebClient.open(rig.url)
  return {
    rig,
    client,
    send: (name: string) => client.call('debug.notifiers.test', { name }),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
}

test('sections that cannot be used are warnings, and the others work', async () => {
  await using sink = await Sink.start()
  const bad: Readonly<Record<string, readonly [string, RegExp]>> = {
    nourl: ['events: *', /\[notifier nourl\] needs the option "url"/],
    noevents: ['url: json://a', /\[notifier noevents\] needs the option "events"/],
    format: ['url: json://a\nevents: *\nbody_format: rtf', /"body_format: rtf".* must be one of/],
    body: ['url: json://a\nevents: *\nbody: {% if %}', /the template "body" of section \[notifier body\]/],
    secret: ['url: {secrets.a.b}\nevents: *', /the template "url" of section \[notifier secret\]/],
    text: ['url: nothing\nevents: *', /'text'/],
  }
  const sections = Object.entries(bad).map(([name, [lines]]) => `[notifier ${name}]\n${lines}`)
  await using at = await start(
    `${sections.join('\n')}\n[notifier good]\nurl: json://${sink.host}/good\nevents: complete\n`,
  )
  const { warnings } = (await at.client.call('server.info')).result
  for (const [name, [, reason]] of Object.entries(bad)) {
    assert.ok(
      warnings.some((text: string) => reason.test(text)),
      `${name}: ${warnings.join('\n')}`,
    )
  }
  assert.equal((await at.send('good')).result.status, 'success')
})

test('templates that fail are errors of their own notifier, with the reason', async () => {
  await using sink = await Sink.start()
  const section = (name: string, lines: string) =>
    `[notifier ${name}]\nurl: json://${sink.host}/${name}\nevents: complete\n${lines}\n`
  await using at = await start(
    section('loops', `body: ${LOOP}`) +
      section('raises', 'title: {raise_error("no title")}') +
      section('good', ''),
  )
  assert.match((await at.send('loops')).error.message, /needs more than 100000 steps/)
  assert.match((await at.send('raises')).error.message, /no title/)
  assert.equal((await at.send('good')).result.status, 'success')
})

for (const [what, reply, reason] of [
  ['an error with a web page', { status: 500, body: '<html>busy</html>' }, /replied 500 .*busy/],
  ['10 MB', { status: 200, body: 'x'.repeat(10_000_000) }, /longer than \d+ bytes/],
  ['a redirect without a target', { status: 302 }, /replied 302/],
] as [string, Reply, RegExp][]) {
  test(`a service that replies with ${what} is an error with the reason`, async () => {
    await using sink = await Sink.start()
    sink.reply = () => reply
    await using at = await start(`[notifier a]\nurl: json://${sink.host}/a\nevents: complete\n`)
    const { error } = await at.send('a')
    assert.equal(error.code, 502)
    assert.match(error.message, reason)
  })
}

test('a service over HTTPS needs a valid certificate', async () => {
  let requests = 0
  const server = createServer({ cert: CERTIFICATE, key: KEY }, (_request, response) => {
    requests += 1
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await using at = await start(
    `[notifier a]\nurl: jsons://user:secret@localhost:${port}/a\nevents: complete\n`,
  )
  const { error } = await at.send('a')
  assert.match(error.message, /self-signed certificate/)
  assert.ok(!error.message.includes('secret'))
  assert.equal(requests, 0)
  server.close()
})
