// GET /metrics at the top of a workshop: all printers in one document, who may read which, and printers that fail.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ServerHost } from '../../src/app/host.ts'
import type { RawRequest } from '../../src/rpc/registry.ts'
import { TRUSTED_USER } from '../../src/rpc/user.ts'
import { WorkshopMetrics } from '../../src/workshop/metrics.ts'
import type { Slot } from '../../src/workshop/slot.ts'
import { UsersOfAll } from '../../src/workshop/without-main.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { type Metrics, parseMetrics } from '../support/metrics-text.ts'
import { testLog } from '../support/test-log.ts'
import { startWorkshopRig, type WorkshopRig } from '../support/workshop.ts'

const METRICS = { conf: '[metrics]' }
const LOGINS = 'force_logins: True'

async function scrape({ url }: Pick<WorkshopRig, 'url'>, path = '/metrics', headers = {}) {
  const reply = await fetch(url + path, { headers })
  return { status: reply.status, text: await reply.text() }
}

const printersOf = (metrics: Metrics) =>
  metrics.find('moonraker_workshop_printer_up').map(({ labels, value }) => [labels.printer, value])

test('the metrics of all printers are in one document, each with its name', async t => {
  await using first = await FakeKlippy.start()
  await using silent = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { one: METRICS, two: METRICS, without: {}, broken: { server: 'port: many' } },
    more: '[printer elsewhere]\nurl: http://127.0.0.1:1',
    klippySockets: new Map([
      ['one', first.path],
      ['two', silent.path],
    ]),
  })
  for (const name of ['one', 'two']) await rig.until(name, ({ klippy_state }) => klippy_state === 'ready')
  // A Klippy that no longer replies: its metrics are absent, and those of its server are there.
  silent.silent = true

  await t.test('in both formats, with the values of each', async () => {
    for (const [format, accept] of [
      ['text', 'text/plain'],
      ['openmetrics', 'application/openmetrics-text'],
    ] as const) {
      const metrics = parseMetrics((await scrape(rig, '/metrics', { Accept: accept })).text, format)
      assert.equal(metrics.value('klipper_extruder_temperature', { printer: 'one' }), 21.5)
      assert.equal(metrics.value('klipper_extruder_temperature', { printer: 'two' }), undefined)
      for (const printer of ['one', 'two']) {
        assert.equal(metrics.value('moonraker_metrics_dropped', { printer }), 0)
        assert.equal(metrics.value('klipper_klippy_connected', { printer }), 1)
      }
      assert.deepEqual(metrics.find('moonraker_warnings', { printer: 'without' }), [])
    }
  })

  await t.test('a printer that does not run is 0, and one elsewhere is left to its own server', async () => {
    assert.deepEqual(printersOf(parseMetrics((await scrape(rig)).text, 'text')), [
      ['one', 1],
      ['two', 1],
      ['without', 1],
      ['broken', 0],
    ])
  })

  await t.test('those of the process are there once, without a name', async () => {
    const metrics = parseMetrics((await scrape(rig)).text, 'text')
    const [memory, ...more] = metrics.find('process_resident_memory_bytes')
    assert.deepEqual([memory?.labels, more], [{}, []])
    assert.equal(metrics.find('moonraker_build_info').length, 1)
  })

  await t.test('below its name a printer has its own, without a label', async () => {
    const metrics = parseMetrics((await scrape(rig, '/one/metrics')).text, 'text')
    assert.deepEqual(metrics.find('klipper_extruder_temperature')[0]?.labels, {})
    assert.equal((await scrape(rig, '/without/metrics')).status, 404)
  })
})

test('who may read the metrics of which printer', async t => {
  const printers = {
    main: { authorization: LOGINS, conf: '[metrics]\ntoken: of-main' },
    two: { authorization: LOGINS, conf: '[metrics]\ntoken: of-two' },
    trusting: METRICS,
  }
  await using rig = await startWorkshopRig({ printers, workshop: 'main: main' })
  const bearer = (token: string) => scrape(rig, '/metrics', { Authorization: `Bearer ${token}` })
  const visible = async (token: string) =>
    printersOf(parseMetrics((await bearer(token)).text, 'text')).map(([printer]) => printer)

  await t.test('a client without a login and a token reads none', async () => {
    assert.equal((await scrape(rig)).status, 401)
    assert.equal((await bearer('unknown')).status, 401)
  })

  await t.test('the token of the main printer reads all', async () => {
    assert.deepEqual(await visible('of-main'), ['main', 'two', 'trusting'])
  })

  await t.test('the token of another printer reads that one', async () => {
    assert.deepEqual(await visible('of-two'), ['two'])
  })

  await t.test('without the main printer a client reads those whose users include it', async () => {
    const broken = { ...printers, main: { server: 'port: many' } }
    await using other = await startWorkshopRig({ printers: broken, workshop: 'main: main' })
    const metrics = parseMetrics((await scrape(other)).text, 'text')
    assert.deepEqual(printersOf(metrics), [['trusting', 1]])
  })
})

test('a printer whose metrics cannot be written leaves those of the others', async () => {
  const slot = (name: string, write: () => Promise<void>) =>
    ({
      name,
      policy: null,
      entry: { path: `/${name}` },
      metrics: { mayRead: () => true, write },
    }) as unknown as Slot
  const log: string[] = []
  const host = new ServerHost({ log: testLog({ console: line => log.push(line) }) })
  const slots = [
    slot('good', async () => undefined),
    slot('bad', async () => {
      throw new Error('no values')
    }),
  ]
  const metrics = new WorkshopMetrics({
    host,
    slots: () => slots,
    main: () => undefined,
    users: new UsersOfAll(() => []),
  })
  const server = createServer((req, res) => {
    void metrics.answer({ req, res, caller: { user: TRUSTED_USER } } as unknown as RawRequest)
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { status, text } = await scrape({ url: `http://127.0.0.1:${port}` })
  assert.equal(status, 200)
  assert.equal(parseMetrics(text, 'text').find('moonraker_workshop_printer_up').length, 2)
  assert.ok(log.some(line => line.includes('no metrics of printer bad: no values')))
  server.close()
  metrics.stop()
  await host.stop()
})
