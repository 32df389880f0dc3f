// A fleet on a cluster of three engines: the leaders of its data are killed while jobs are dispatched.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createUser } from '@nats-io/nkeys'
import { authenticator } from '../../../src/components/fleet/engine/authenticator.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { connectEngine } from '../../../src/fleet/hub/engine/link.ts'
import { printerToken } from '../../../src/fleet/hub/engine/tokens.ts'
import { type Hub, startHub } from '../../../src/fleet/hub/hub.ts'
import { ensureLayout } from '../../../src/fleet/hub/store/layout.ts'
import { storeSigner } from '../../../src/fleet/hub/store/meta.ts'
import { testLog } from '../../support/test-log.ts'
import { until } from '../../support/until.ts'
import { Cluster } from '../cluster.ts'
import { skip } from '../engine.ts'
import { call, GCODE, logIn } from './fleet-rig.ts'
import { SimulatedPrinter } from './simulated-printer.ts'

const PRINTERS = 10
const JOBS = 100

/** A hub on the cluster, once that has found its leaders. */
async function startOn(cluster: Cluster, folder: string, log: string[]) {
  const console = (line: string) => log.push(line)
  const { servers, credentials } = cluster
  const connection = await connectEngine({
    servers,
    credentials,
    name: 'hub',
    clock: systemClock,
    log: testLog({ console }),
  })
  const layout = await until(() => ensureLayout(connection).catch(() => null), 60)
  await storeSigner(layout.buckets.fleet_meta, cluster.signer)
  const none = join(folder, 'none')
  const hub = await startHub({
    connection,
    engine: null,
    blobs: join(folder, 'blobs'),
    maxFilesBytes: 1e9,
    host: '127.0.0.1',
    port: 0,
    tlsPort: 0,
    certificate: none,
    key: none,
    ca: null,
    hubUrl: null,
    engineUrls: servers,
    proxies: [],
    clock: systemClock,
    log: testLog({ console }),
  })
  const stop = async () => {
    await hub.stop()
    await connection.close()
  }
  return { hub, layout, stop }
}

async function addPrinter({ store }: Hub, cluster: Cluster, number: number): Promise<SimulatedPrinter> {
  const id = number.toString(16).padStart(32, '0')
  const key = createUser()
  const nkey = key.getPublicKey()
  const record = { site: '', labels: {}, enrolled_at: Date.now(), enrolled_by: null, maintenance: false }
  await store.records.put(id, { name: `printer ${number}`, nkey, ...record })
  const jwt = await printerToken(id, nkey, cluster.signer)
  const printer = new SimulatedPrinter({
    id,
    url: cluster.servers.join(),
    authenticator: authenticator({ jwt, seed: new TextDecoder().decode(key.getSeed()) }),
    epoch: store.epoch,
    printTime: 200,
  })
  await printer.start()
  return printer
}

test('a cluster that loses a leader during dispatch starts no job twice and loses none', {
  skip,
  timeout: 300_000,
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-cluster-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await using cluster = await Cluster.start()
  const log: string[] = []
  const { hub, layout, stop } = await startOn(cluster, folder, log)
  const printers: SimulatedPrinter[] = []
  try {
    for (let number = 1; number <= PRINTERS; number += 1)
      printers.push(await addPrinter(hub, cluster, number))
    for (const name of ['KV_fleet_slots', 'KV_fleet_jobs', 'FLEET_EVENTS']) {
      assert.equal((await layout.manager.streams.info(name)).config.num_replicas, 3)
    }
    const token = await logIn(hub.url, 'admin', hub.firstUser?.password ?? '')
    const headers = { Authorization: `Bearer ${token}` }
    const put = await fetch(`${hub.url}/fleet/files?name=a.gcode`, { method: 'PUT', headers, body: GCODE })
    const { sha256 } = ((await put.json()) as { result: { sha256: string } }).result
    const body = { file: sha256, name: 'a.gcode', copies: JOBS }
    const { jobs } = (await call(hub.url, '/fleet/jobs', { token, body })).result as { jobs: string[] }
    for (const name of ['KV_fleet_slots', 'KV_fleet_jobs', 'FLEET_EVENTS']) {
      const leader = await until(
        () =>
          layout.manager.streams.info(name).then(
            ({ cluster: found }) => found?.leader,
            () => null,
          ),
        60,
      )
      await cluster.kill(leader)
      await delay(500)
      cluster.run(leader)
    }
    const isDone = () => hub.store.board.counts().done === JOBS
    await until(isDone, 120).catch(error => {
      throw new Error(`${JSON.stringify(hub.store.board.counts())}\n${log.slice(-50).join('\n')}`, {
        cause: error,
      })
    })
    const starts = printers.flatMap(printer => printer.starts.map(start => start.split(' ')[0] as string))
    assert.deepEqual(starts.toSorted(), jobs.toSorted())
    const events = async () => (await call(hub.url, '/fleet/events', { token })).result.events
    const sent = printers.flatMap(printer => printer.events.map(({ id }) => id))
    const stored = await until(async () => {
      const found = await events().catch(() => [])
      return found.length >= sent.length && found
    }, 60)
    const idsOf = (printer: SimulatedPrinter) =>
      stored
        .filter((event: { printer: string }) => event.printer === printer.id)
        .map(({ id }: { id: string }) => id)
    for (const printer of printers)
      assert.deepEqual(
        idsOf(printer),
        printer.events.map(({ id }) => id),
      )
  } finally {
    for (const printer of printers) await printer.stop()
    await stop()
  }
})
