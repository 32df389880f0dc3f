// Discovery by multicast DNS, as another program does it, mostly on the loopback interface.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { instanceName, machineName, ownCgroup } from '../../../src/components/zeroconf/identity.ts'
import { Mdns } from '../../../src/components/zeroconf/mdns.ts'
import { type Network, networksOf } from '../../../src/components/zeroconf/networks.ts'
import { moonrakerVersion } from '../../../src/core/version.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'
import { DnsClient, type DnsRecord } from './dns.ts'

const SERVICES = '_moonraker._tcp.local'

/** The number of the rigs here, and part of their names: others may test on the same machine. */
const ID = randomUUID().replaceAll('-', '')
const SHORT = ID.slice(0, 8)

const startFound = (host: string, more: RigOptions = {}) =>
  startRig({
    printer: 'none',
    conf: `[zeroconf]\nmdns_hostname: ${host}`,
    prepare: ({ data }) => writeFileSync(`${data}/.moonraker.uuid`, ID),
    ...more,
  })

/** Whether an answer contains the rig; and the first of its records of a type. */
const isOurs = (records: readonly DnsRecord[]) =>
  records.some(({ type, data }) => type === 'TXT' && (data as string[]).includes(`uuid=${ID}`))
const first = (records: readonly DnsRecord[], type: string) => records.find(record => record.type === type)

/** What a library might take over. */
const hooks = () => [
  Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace'),
  Object.getOwnPropertyDescriptor(process, 'emit'),
]

test('the service is found with its port, its address and its texts, until its end is announced', async () => {
  const before = hooks()
  await using watcher = await DnsClient.open({ listening: true })
  await using client = await DnsClient.open()
  const rig = await startFound(`found-${SHORT}.local`, { server: 'route_prefix: printer1' })
  const { port } = rig
  const records = await client.query(SERVICES, 'PTR', isOurs)
  const name = String(first(records, 'PTR')?.data)
  assert.equal(name, `${instanceName(ownCgroup(), ID)} @ found-${SHORT}.${SERVICES}`)
  const srv = first(records, 'SRV')
  assert.deepEqual([srv?.name, srv?.data], [name, { port, target: `found-${SHORT}.local` }])
  assert.deepEqual(first(records, 'TXT')?.data, [
    `uuid=${ID}`,
    'https_port=',
    `version=${moonrakerVersion()}`,
    'route_prefix=/printer1',
  ])
  const host = `found-${SHORT}.local`
  const address = first(await client.query(host, 'A', all => all[0]?.name === host), 'A')
  assert.equal(address?.data, '127.0.0.1')
  assert.deepEqual(hooks(), before, 'the library leaves the process as it was')
  const end = watcher.received(all => all.some(({ type, ttl }) => type === 'PTR' && ttl === 0))
  await rig[Symbol.asyncDispose]()
  assert.equal(first(await end, 'PTR')?.data, name)
})

test('the server does not use a name that the network already has', async () => {
  await using other = await DnsClient.open({ listening: true })
  await using client = await DnsClient.open()
  const name = `${instanceName(ownCgroup(), ID)} @ taken-${SHORT}`
  other.claim(`${name}.${SERVICES}`)
  await using rig = await startFound(`taken-${SHORT}`)
  const records = await client.query(SERVICES, 'PTR', isOurs)
  const srv = first(records, 'SRV')
  assert.deepEqual(srv?.name, `${name} (2).${SERVICES}`)
  assert.deepEqual(srv?.data, { port: rig.port, target: `taken-${SHORT}-(2).local` })
})

test("the machine's own name is given up if another program answers for it, even later", async () => {
  await using rig = await startFound('')
  await using other = await DnsClient.open({ listening: true })
  other.claim(`${machineName()}.local`)
  await using client = await DnsClient.open()
  const records = await client.query(
    SERVICES,
    'PTR',
    all => isOurs(all) && !String(first(all, 'PTR')?.data).includes('(2)'),
  )
  assert.deepEqual(first(records, 'SRV')?.data, { port: rig.port, target: `moonraker-${SHORT}.local` })
})

test('queries from other networks are ignored', async () => {
  const name = `near-${SHORT}`
  const announcement = await new Mdns().announce(
    { name, host: name, port: 1, txt: { uuid: ID }, onRename: () => {} },
    [{ name: 'lo', address: '127.0.0.1', family: 'IPv4', cidr: '127.0.0.1/32' }],
    testLog(),
  )
  await using _announced = { [Symbol.asyncDispose]: () => announcement.withdraw() }
  await using near = await DnsClient.open()
  await using far = await DnsClient.open({ address: '127.0.0.2' })
  await near.query(SERVICES, 'PTR', isOurs)
  for (let times = 0; times < 2; times += 1) {
    far.send(`${name}.local`, 'A')
    await near.query(`${name}.local`, 'A', all => all[0]?.name === `${name}.local`)
  }
  assert.equal(far.receivedCount, 0)
})

/** An interface with an IPv6 address that a router can reach, and that address; none in many containers. */
const ipv6 = networksOf('all').find(({ family }) => family === 'IPv6')

test('the service is found over IPv6', { skip: ipv6 === undefined && 'no IPv6 network' }, async () => {
  const network = ipv6 as Network
  const name = `six-${SHORT}`
  const announcement = await new Mdns().announce(
    { name, host: name, port: 1, txt: { uuid: ID }, onRename: () => {} },
    [network],
    testLog(),
  )
  await using _announced = { [Symbol.asyncDispose]: () => announcement.withdraw() }
  await using client = await DnsClient.open({ address: network.address, networkInterface: network.name })
  const records = await client.query(SERVICES, 'PTR', isOurs)
  assert.deepEqual(first(records, 'SRV')?.data, { port: 1, target: `${name}.local` })
  const addresses = records.filter(({ type }) => type === 'AAAA' || type === 'A')
  assert.deepEqual(
    addresses.map(({ type, data }) => [type, data]),
    [['AAAA', network.address]],
  )
})

test('the server can stop at any moment without a warning', async () => {
  await using watcher = await DnsClient.open({ listening: true })
  for (const stopAt of ['at once', 'while it looks for its name', 'when it is known']) {
    const rig = await startFound(`stop-${SHORT}`, {
      conf: `[zeroconf]\nmdns_hostname: stop-${SHORT}\nenable_ssdp: True`,
    })
    if (stopAt === 'while it looks for its name') await watcher.queried(`stop-${SHORT}`)
    if (stopAt === 'when it is known') await watcher.received(isOurs)
    await rig[Symbol.asyncDispose]()
    assert.doesNotMatch(rig.log.join('\n'), /WARNING|ERROR/, stopAt)
    assert.equal(
      rig.log.join('\n').includes('zeroconf.mdns: announced as'),
      stopAt === 'when it is known',
      stopAt,
    )
  }
})

test('without the section nothing is announced; an invalid name is refused', async () => {
  await using silent = await startRig({ printer: 'none' })
  const info = async (rig: Rig) => (await sendRequest(rig.port, '/server/info')).json.result
  assert.ok(!(await info(silent)).components.includes('zeroconf'))
  assert.equal((await sendRequest(silent.port, '/server/zeroconf/ssdp')).status, 404)
  await using wrong = await startFound('two.parts')
  const { failed_components, warnings } = await info(wrong)
  assert.deepEqual(failed_components, ['zeroconf'])
  assert.match(warnings.join(), /\[zeroconf\].*mdns_hostname/)
})
