import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressList } from '../../../src/components/access/address-list.ts'
import { systemClock } from '../../../src/core/clock.ts'

test('addresses and ranges of both families are matched', () => {
  const list = new AddressList([
    '127.0.0.1',
    '10.0.0.0/8',
    '192.168.1.77/24',
    'fe80::/10',
    '::1',
    '203.0.113.0/31',
  ])
  const inside = [
    '127.0.0.1',
    '10.0.0.0',
    '10.255.255.255',
    '192.168.1.1',
    'fe80::1',
    'febf::1',
    '::1',
    '0:0:0:0:0:0:0:1',
    '203.0.113.1',
  ]
  const outside = [
    '127.0.0.2',
    '11.0.0.0',
    '9.255.255.255',
    '192.168.2.1',
    'fec0::1',
    '::2',
    '203.0.113.2',
    '',
    'localhost',
    '10.0.0',
    '10.0.0.1 ',
    '0x0a000001',
  ]
  for (const address of inside) assert.equal(list.has(address), true, address)
  for (const address of outside) assert.equal(list.has(address), false, address)
})

test('a cached result stays the same', () => {
  const list = new AddressList(['10.0.0.0/8'])
  for (let round = 0; round < 3; round += 1) {
    assert.equal(list.has('10.0.0.1'), true)
    assert.equal(list.has('8.8.8.8'), false)
  }
})

test('an empty list contains no address', () => {
  assert.equal(new AddressList([]).has('127.0.0.1'), false)
})

test('invalid entries are named', () => {
  const wrong = [
    '10.0.0.0/33',
    '::/129',
    '1.2.3',
    '1.2.3.4.5',
    '300.1.1.1',
    '10.0.0.0/',
    '10.0.0.0/x',
    'a b',
    '-x',
    '',
    'x'.repeat(300),
    '10.0.0.0/8/8x/',
  ]
  const list = new AddressList(wrong)
  assert.deepEqual(
    list.invalid,
    wrong.filter(entry => list.invalid.includes(entry)),
  )
  for (const entry of wrong.slice(0, -1)) assert.ok(list.invalid.includes(entry), entry)
})

test('ranges that reach the internet are named, private ones are not', () => {
  const open = [
    '0.0.0.0/0',
    '8.8.8.8',
    '192.0.0.0/8',
    '172.16.0.0/11',
    '10.0.0.0/7',
    '::/0',
    '2001:db8::/32',
    '169.254.0.0/15',
    'fe80::/9',
  ]
  const closed = [
    '127.0.0.0/8',
    '10.1.0.0/16',
    '172.31.0.0/16',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '100.64.0.0/10',
    '::1',
    'fd00::/8',
    'fe80::/64',
  ]
  assert.deepEqual(new AddressList([...open, ...closed]).public, open)
})

test('host names count with their addresses, once they are looked up', async () => {
  const list = new AddressList(['localhost', 'no-such-host.invalid'])
  assert.deepEqual([list.invalid, list.public, list.has('127.0.0.1')], [[], [], false])
  await list.start(systemClock)
  assert.ok(list.has('127.0.0.1') || list.has('::1'))
  assert.equal(list.has('8.8.8.8'), false)
  list.stop()
})
