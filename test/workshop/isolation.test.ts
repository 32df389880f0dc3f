// What goes wrong in one printer of a workshop, and what the others notice of it: nothing.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { HandClock } from '../support/hand-clock.ts'
import { WebClient } from '../support/web-client.ts'
import { startWorkshopRig, type WorkshopRig } from '../support/workshop.ts'

const GOOD = { good: {}, bad: {} } as const

async function answers(rig: WorkshopRig, name: string): Promise<boolean> {
  return (await fetch(`${rig.url}/${name}/server/info`)).status === 200
}

test('a configuration that cannot be read: the others run, and its correction starts it', async () => {
  await using rig = await startWorkshopRig({ printers: { ...GOOD, bad: { server: 'port: many' } } })
  const { error, klippy_state } = await rig.until('bad', entry => entry.error !== null)
  assert.match(error ?? '', /option "port: many" of section \[server\] must be a whole number/)
  assert.equal(klippy_state, 'disconnected')
  assert.ok(await answers(rig, 'good'))
  const refused = await fetch(`${rig.url}/bad/server/info`)
  assert.equal(refused.status, 503)
  assert.match(
    await refused.text(),
    /The server of printer 'bad' does not run; \/workshop\/printers shows why/,
  )
  await assert.rejects(WebClient.open(`${rig.url}/bad/websocket`), /refused: 503/)
  rig.writeConf('bad', {})
  await rig.until('bad', entry => entry.error === null)
  assert.ok(await answers(rig, 'bad'))
})

test('a port in use, a folder that cannot be used, a folder that is missing: the others run', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }
  await using rig = await startWorkshopRig({
    printers: {
      good: {},
      port: { ownPort: true, server: `port: ${port}` },
      folder: { prepare: ({ database }) => writeFileSync(database, 'a file') },
      missing: { prepare: ({ data }) => rmSync(data, { recursive: true }) },
    },
  })
  const errorOf = (name: string) => rig.workshop.list().find(entry => entry.name === name)?.error ?? ''
  assert.match(errorOf('port'), new RegExp(`port ${port} on 127.0.0.1 is in use`))
  assert.match(errorOf('folder'), /the data folder .* cannot be used/)
  assert.match(errorOf('missing'), /is not there: correct data_path in workshop.conf/)
  assert.ok(await answers(rig, 'good'))
  taken.close()
})

test('a printer that does not start is tried again after 1, 2, 5, 10, 30 and 30 seconds, or a change', async () => {
  const clock = new HandClock()
  await using rig = await startWorkshopRig({ printers: { bad: { server: 'port: many' } }, clock })
  for (const seconds of [1, 2, 5, 10, 30, 30]) {
    await clock.waitFor(seconds)
    clock.pass(seconds)
  }
  // It also starts when its file changes, which the next look finds.
  await clock.waitFor(30)
  rig.writeConf('bad', {})
  clock.pass(1)
  await rig.until('bad', ({ error }) => error === null)
})

test('a damaged database: the others run, and the printer starts without it', async () => {
  await using rig = await startWorkshopRig({
    printers: {
      good: {},
      bad: {
        prepare: ({ database }) => {
          mkdirSync(database, { recursive: true })
          writeFileSync(join(database, 'moonraker-sql.db'), 'no database'.repeat(1000))
        },
      },
    },
  })
  assert.ok(await answers(rig, 'good'))
  await rig.until('bad', entry => entry.error === null)
  assert.ok(rig.log.some(line => line.startsWith('[bad]') && /database/i.test(line)))
})

test('a restart of one keeps the connections of the others, and its own end', async () => {
  await using rig = await startWorkshopRig({ printers: GOOD, workshop: 'main: good' })
  using other = await WebClient.open(`${rig.url}/good/websocket`)
  using top = await WebClient.open(`${rig.url}/websocket`)
  using own = await WebClient.open(`${rig.url}/bad/websocket`)
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await fetch(`${rig.url}/bad/server/restart`, { method: 'POST' })).status, 200)
    if (round === 0) assert.equal((await own.closed).code, 1001)
    while (!(await answers(rig, 'bad'))) await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal((await other.call('server.info')).result.websocket_count, 2)
  assert.equal((await top.call('server.info')).result.websocket_count, 2)
})

test('a component that fails: the others run, and the log names the printer', async () => {
  await using rig = await startWorkshopRig({
    printers: { good: {}, bad: { conf: '[sensor power]\ntype: mqtt\n' } },
  })
  const failedAt = async (name: string) => {
    const reply = await fetch(`${rig.url}/${name}/server/info`)
    const { result } = (await reply.json()) as { result: { failed_components: string[] } }
    return result.failed_components
  }
  assert.deepEqual([await failedAt('good'), await failedAt('bad')], [[], ['sensor']])
  const lines = rig.log.filter(line => line.includes('[sensor] does not work'))
  assert.deepEqual(
    lines.map(line => line.split(' ', 1)[0]),
    ['[bad]'],
  )
})

test('a Klippy that sends garbage and floods: the others answer', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { good: {}, bad: { server: `klippy_uds_address: ${klippy.path}` } },
  })
  await klippy.waitForConnection(1)
  for (let round = 0; round < 50; round += 1)
    klippy.send(Buffer.from('{"method":"process_gcode_response","params":{"response":"x"}}\x03'.repeat(200)))
  klippy.send(Buffer.from('garbage\x03{"key":\x03\x00\x00\x03'))
  assert.ok(await answers(rig, 'good'))
  assert.ok(await answers(rig, 'bad'))
})

test('a client that does not read is disconnected: those of the others get everything', async () => {
  await using slow = await FakeKlippy.start()
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: {
      good: { server: `klippy_uds_address: ${klippy.path}` },
      bad: { server: `klippy_uds_address: ${slow.path}` },
    },
  })
  await Promise.all([klippy.waitForConnection(1), slow.waitForConnection(1)])
  await rig.until('bad', entry => entry.klippy_state === 'ready')
  await rig.until('good', entry => entry.klippy_state === 'ready')
  using other = await WebClient.open(`${rig.url}/good/websocket`)
  using watch = await WebClient.open(`${rig.url}/bad/websocket`)
  using greedy = await WebClient.open(`${rig.url}/bad/websocket`)
  greedy.ws.pause()
  const line = 'x'.repeat(100 * 1024)
  let lines = 0
  while ((await watch.call('server.info')).result.websocket_count === 2) {
    assert.ok(lines < 1000, 'it is still there')
    for (let count = 0; count < 10; count += 1) slow.print(line)
    klippy.print(`line ${lines}`)
    lines += 1
    await other.notified('notify_gcode_response', lines)
  }
  assert.equal(other.ws.readyState, other.ws.OPEN)
})

test('without the main printer every caller sees the printers whose users include it', async () => {
  await using rig = await startWorkshopRig({
    printers: { main: { server: 'port: many' }, open: {}, closed: { authorization: 'force_logins: True' } },
    workshop: 'main: main',
  })
  const reply = await fetch(`${rig.url}/workshop/printers`)
  assert.equal(reply.status, 200, rig.log.join('\n'))
  const { result } = (await reply.json()) as { result: { name: string; error: string | null }[] }
  assert.deepEqual(
    result.map(({ name, error }) => [name, error]),
    [
      ['main', 'its server does not run: see its log'],
      ['open', null],
    ],
  )
  const statusOf = async (path: string, method = 'GET') => (await fetch(rig.url + path, { method })).status
  assert.equal(await statusOf('/workshop/reload', 'POST'), 403)
  assert.equal(await statusOf('/workshop/printers/closed/picture'), 404)
  assert.equal(await statusOf('/server/info'), 503)
  assert.equal(await statusOf('/workshop/'), 200)
  // The documents describe what is there now.
  const discovered = await fetch(`${rig.url}/server/jsonrpc`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rpc.discover' }),
  })
  const document = (await discovered.json()) as { result: { methods: { name: string }[] } }
  assert.deepEqual(
    document.result.methods.map(({ name }) => name),
    ['workshop.printers', 'workshop.reload', 'rpc.discover'],
  )
  assert.deepEqual([await statusOf('/openrpc.json'), await statusOf('/openapi.json')], [200, 200])
  await assert.rejects(WebClient.open(rig.url), /refused: 503/)
  rig.writeConf('main', {})
  await rig.until('main', entry => entry.error === null)
  while (!(await answers(rig, 'main'))) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await statusOf('/server/info'), 200)
})
