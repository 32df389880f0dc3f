// A printer of a workshop in the network, as another program finds it by multicast DNS.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DnsClient, type DnsRecord } from '../components/zeroconf/dns.ts'
import { startWorkshopRig } from '../support/workshop.ts'

test('a printer without a port of its own is announced by its name, with the shared port and its path', async () => {
  const id = randomUUID().replaceAll('-', '')
  const host = `workshop-${id.slice(0, 8)}`
  await using client = await DnsClient.open()
  await using rig = await startWorkshopRig({
    printers: {
      one: {},
      two: {
        conf: `[zeroconf]\nmdns_hostname: ${host}`,
        prepare: ({ data }) => writeFileSync(`${data}/.moonraker.uuid`, id),
      },
    },
  })
  const isOurs = (records: readonly DnsRecord[]) =>
    records.some(({ type, data }) => type === 'TXT' && (data as string[]).includes(`uuid=${id}`))
  const records = await client.query('_moonraker._tcp.local', 'PTR', isOurs)
  const dataOf = (type: string) => records.find(record => record.type === type)?.data
  assert.equal(dataOf('PTR'), `two @ ${host}._moonraker._tcp.local`)
  assert.deepEqual(dataOf('SRV'), { port: rig.workshop.at.port, target: `${host}.local` })
  assert.ok((dataOf('TXT') as string[]).includes('route_prefix=/two'))
})
