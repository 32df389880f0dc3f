// The worked example of docs/adding-a-part.md: the component in docs/examples/led-strip runs, and the document shows
// its code as it is.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import ledStrip from '../docs/examples/led-strip/index.ts'
import { startRig } from './support/rig.ts'

const read = (path: string) => readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8')

/** A controller of a strip; `requests` are the query strings that it received. */
async function startController() {
  const requests: string[] = []
  const server = createServer((req, res) => {
    requests.push(new URL(req.url ?? '', 'http://strip').search)
    res.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { url, requests, [Symbol.asyncDispose]: async () => void server.close() }
}

async function request(url: string, path: string, method = 'GET') {
  const response = await fetch(`${url}${path}`, { method })
  return { status: response.status, body: (await response.json()) as { result?: unknown } }
}

test('the example component serves its methods and notifies clients', async () => {
  await using controller = await startController()
  await using rig = await startRig({
    printer: 'none',
    components: [ledStrip],
    conf: `[led_strip desk]\naddress: ${controller.url}\ninitial_brightness: 20\n[led_strip lost]\naddress: http://127.0.0.1:1\n`,
  })
  const client = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`)
  const notified = new Promise(resolve => {
    client.addEventListener('message', ({ data }) => {
      const { method, params } = JSON.parse(String(data)) as { method?: string; params?: unknown }
      if (method === 'notify_led_strip_changed') resolve(params)
    })
  })
  await once(client, 'open')
  const desk = { name: 'desk', state: 'off', brightness: 20 }
  const lost = { name: 'lost', state: 'off', brightness: 128 }
  assert.deepEqual((await request(rig.url, '/machine/led_strip/list')).body.result, { strips: [desk, lost] })
  assert.equal((await request(rig.url, '/machine/led_strip/on?strip=desk', 'POST')).status, 200)
  assert.deepEqual(await notified, [{ ...desk, state: 'on' }])
  assert.equal(
    (await request(rig.url, '/machine/led_strip/dim?strip=desk&brightness=200', 'POST')).status,
    200,
  )
  assert.equal(
    (await request(rig.url, '/machine/led_strip/dim?strip=desk&brightness=300', 'POST')).status,
    400,
  )
  assert.equal((await request(rig.url, '/machine/led_strip/off?strip=roof', 'POST')).status, 404)
  assert.equal((await request(rig.url, '/machine/led_strip/off?strip=lost', 'POST')).status, 502)
  assert.deepEqual(controller.requests, ['?state=on&level=20', '?state=on&level=200'])
  client.close()
})

test('without its section the example component is absent', async () => {
  await using rig = await startRig({ printer: 'none', components: [ledStrip] })
  assert.equal((await request(rig.url, '/machine/led_strip/list')).status, 404)
})

test('the document shows the code of the example', () => {
  const blocks = [...read('adding-a-part.md').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code as string)
  assert.ok(blocks.length >= 2, 'the document has the two files of the example')
  const files = ['chapter.ts', 'index.ts'].map(name => read(`examples/led-strip/${name}`))
  for (const file of files) {
    const shown = file.replaceAll("'../../../src/", "'../../")
    assert.ok(
      blocks.some(block => block === shown || block === file),
      `${file.split('\n', 1)[0]} is in the document as it is in the file`,
    )
  }
})
