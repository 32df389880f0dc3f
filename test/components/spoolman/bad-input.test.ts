// [spoolman] with options that cannot be used, and with servers that are not Spoolman or send something else.
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { quickClock } from '../../support/quick-clock.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { Scene } from './scene.ts'

for (const [options, reason] of [
  ['', /\[spoolman\] needs the option "server"/],
  ['server: ftp://a', /"server: ftp:\/\/a" of section \[spoolman\] must be URL of a Spoolman server/],
  ['server: http://a b', /"server: http:\/\/a b" of section \[spoolman\] must be/],
  ['server: a\nsync_rate: 0', /"sync_rate: 0" of section \[spoolman\] must be a number of at least 1/],
  ['server: a\nsync_rate: often', /"sync_rate: often" of section \[spoolman\] must be/],
] as const) {
  test(`the options "${options.replace('\n', ', ')}" fail the component, with the reason`, async () => {
    await using rig = await startRig({ printer: 'none', conf: `[spoolman]\n${options}\n` })
    using client = await WebClient.open(rig.url)
    const { failed_components, warnings } = (await client.call('server.info')).result
    assert.deepEqual(failed_components, ['spoolman'])
    assert.ok(
      warnings.some((text: string) => reason.test(text)),
      warnings.join('\n'),
    )
  })
}

for (const [what, answer] of [
  ['a web page', (_req, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<html></html>')],
  ['a refusal', (_req, res) => res.writeHead(401).end()],
  ['a redirect', (_req, res) => res.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end()],
  ['a closed connection', (_req, res) => res.destroy()],
] as [string, RequestListener][]) {
  test(`a server that replies with ${what} is reported once, and tried again`, async () => {
    let requests = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const server = createServer((request, response) => {
      requests += 1
      if (requests === 3) resolve()
      answer(request, response)
    })
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    await using rig = await startRig({
      printer: 'none',
      clock: quickClock(50),
      conf: `[spoolman]\nserver: 127.0.0.1:${port}\n`,
    })
    await promise
    using client = await WebClient.open(rig.url)
    assert.equal((await client.call('server.spoolman.status')).result.spoolman_connected, false)
    assert.equal(rig.log.filter(line => line.includes('no connection to Spoolman')).length, 1)
    server.closeAllConnections()
    server.close()
  })
}

test('messages of the WebSocket that are no events change nothing, and too large ones end the connection', async () => {
  await using scene = await Scene.start()
  await scene.set(1)
  for (const text of ['', 'text', '[]', 'null', '{"resource":"spool"}', '{"resource":"spool","payload":7}']) {
    scene.spoolman.sendText(text)
  }
  scene.spoolman.event('deleted', { id: '1' })
  scene.spoolman.event('deleted', {})
  scene.spoolman.event('deleted', { id: 3 })
  assert.equal((await scene.status()).spool_id, 1)
  const { connections } = scene.spoolman
  scene.spoolman.sendText('x'.repeat(2 ** 21))
  await scene.spoolman.until(() => scene.spoolman.connections > connections)
  await scene.connected(true)
  assert.equal((await scene.status()).spool_id, 1)
})

for (const [what, failure] of [
  ['10 MB', { status: 200, body: 'x'.repeat(10_000_000) }],
  ['an error with a web page', { status: 502, body: '<html></html>' }],
  ['a list', { status: 500, body: '[]' }],
] as const) {
  test(`a report that is answered with ${what} is sent again`, async () => {
    await using scene = await Scene.start()
    await scene.set(1)
    let isFirst = true
    scene.spoolman.failure = ({ method }) => {
      if (method !== 'PUT' || !isFirst) return null
      isFirst = false
      return failure
    }
    await scene.move(2)
    await scene.reported(1, 2)
    assert.equal(scene.spoolman.used(1), 2)
    assert.equal((await scene.status()).spoolman_connected, true)
  })
}
