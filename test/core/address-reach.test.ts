import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { REACH, reachOf } from '../../src/core/address-reach.ts'

const addresses: Readonly<Record<keyof typeof REACH, string>> = {
  machine: '127.0.0.1 127.8.9.1 ::1 :: 0.0.0.0 ::ffff:127.0.0.1 ::ffff:7f00:1',
  house:
    '10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 fd12::1 fe80::1 fe80::1%eth0 ' +
    '::ffff:192.168.1.1',
  internet: '1.1.1.1 172.32.0.1 192.169.0.1 100.128.0.1 2606:4700::1111 ::ffff:1.1.1.1',
}

for (const [reach, all] of Object.entries(addresses)) {
  test(`addresses of the ${reach}`, () => {
    for (const address of all.split(' '))
      assert.equal(reachOf(address), REACH[reach as keyof typeof REACH], address)
  })
}

test('the addresses of this machine have the reach of the machine', () => {
  for (const { address, family } of Object.values(networkInterfaces()).flatMap(found => found ?? [])) {
    assert.equal(reachOf(address), REACH.machine, address)
    if (family === 'IPv4') assert.equal(reachOf(`::ffff:${address}`), REACH.machine, address)
  }
})
