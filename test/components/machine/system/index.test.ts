// What this machine is, over HTTP. The rig compares the reply with the declared one.
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { startRig } from '../../../support/rig.ts'

/** The fields of the original's reply. */
const FIELDS = [
  'available_services',
  'canbus',
  'cpu_info',
  'distribution',
  'instance_ids',
  'network',
  'provider',
  'python',
  'sd_info',
  'service_state',
  'virtualization',
]

test('machine.system_info without a printer', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[machine]\nprovider: none' })
  const reply = await fetch(`${rig.url}/machine/system_info`)
  assert.equal(reply.status, 200)
  const { result } = (await reply.json()) as {
    result: {
      system_info: {
        cpu_info: { cpu_count: number; total_memory: number | null }
        network: Record<string, { ip_addresses: { address: string }[] }>
        provider: string
      }
    }
  }
  const { cpu_info, network, provider, ...rest } = result.system_info
  assert.deepEqual(Object.keys({ cpu_info, network, provider, ...rest }).sort(), FIELDS)
  assert.equal(provider, 'none')
  assert.ok(cpu_info.cpu_count >= 1)
  const own = Object.values(networkInterfaces()).flatMap(each => each?.map(({ address }) => address))
  for (const { ip_addresses } of Object.values(network)) {
    assert.ok(ip_addresses.length > 0)
    for (const { address } of ip_addresses) assert.ok(own.includes(address))
  }
})
