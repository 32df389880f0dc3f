// The names under which the server is known.
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { deviceDescription } from '../../../src/components/zeroconf/device-description.ts'
import {
  announcedHost,
  firstThatFits,
  hexadecimal,
  instanceName,
} from '../../../src/components/zeroconf/identity.ts'
import {
  addressFor,
  type Network,
  neighbourhood,
  networksOf,
} from '../../../src/components/zeroconf/networks.ts'

const ID = '0123456789abcdef0123456789abcdef'

test('the instance is named after its service, or by its id', () => {
  for (const [cgroup, name] of [
    ['0::/system.slice/moonraker.service\n', 'Moonraker'],
    ['12:pids:/system.slice/x\n1:name=systemd:/system.slice/moonraker-ts-1.service\n', 'Moonraker-ts-1'],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n', 'Moonraker-01234567'],
    ['0::/\n', 'Moonraker-01234567'],
    ['', 'Moonraker-01234567'],
  ] as const) {
    assert.equal(instanceName(cgroup, ID), name)
  }
})

test('an id of another form becomes 32 digits, always the same', () => {
  assert.equal(hexadecimal(ID), ID)
  assert.match(hexadecimal('my printer'), /^[0-9a-f]{32}$/)
  assert.equal(hexadecimal('my printer'), hexadecimal('my printer'))
  assert.notEqual(hexadecimal('my printer'), hexadecimal('another'))
})

test('a shorter name replaces one that is too long; a number can be appended to it', () => {
  assert.equal(firstThatFits('ä'.repeat(29), 'b'), 'ä'.repeat(29))
  assert.equal(firstThatFits('ä'.repeat(30), 'b'), 'b')
  for (const character of ['ä', '€', '🖨']) {
    assert.ok(Buffer.byteLength(`${firstThatFits(character.repeat(40), '€'.repeat(40))} (99)`) <= 63)
  }
})

test("the machine's own name is not announced if another program answers for it", () => {
  const own = hostname().split('.')[0] ?? ''
  assert.equal(announcedHost(own, ID, false), own)
  assert.equal(announcedHost(own.toUpperCase(), ID, true), 'moonraker-01234567')
  assert.equal(announcedHost('voron', ID, true), 'voron')
  assert.equal(announcedHost('x'.repeat(64), ID, false), 'moonraker-01234567', 'Linux allows 64 characters')
})

test('a server appears in the networks that it listens in, and in no others', () => {
  assert.deepEqual(networksOf('127.0.0.1'), [
    { name: 'lo', address: '127.0.0.1', family: 'IPv4', cidr: '127.0.0.1/8' },
  ])
  assert.deepEqual(networksOf('192.0.2.200'), [])
  assert.ok(networksOf('0.0.0.0').every(({ family }) => family === 'IPv4'))
  for (const host of ['0.0.0.0', '::', 'all']) {
    assert.ok(networksOf(host).every(({ name }) => !name.startsWith('lo')))
  }
})

const HOUSE: readonly Network[] = [
  { name: 'eth0', address: '192.168.1.7', family: 'IPv4', cidr: '192.168.1.7/24' },
  { name: 'wlan0', address: '10.0.0.7', family: 'IPv4', cidr: '10.0.0.7/8' },
  { name: 'wlan0', address: 'fd00::7', family: 'IPv6', cidr: 'fd00::7/64' },
]

test('an address belongs to a network if no router is needed', () => {
  const networkOf = neighbourhood(HOUSE)
  for (const [address, at] of [
    ['192.168.1.200', 0],
    ['10.200.0.1', 1],
    ['fd00::1234', 2],
    ['192.168.2.1', -1],
    ['127.0.0.1', -1],
    ['fd00:0:0:1::1', -1],
    ['fe80::1%eth0', -1],
    ['', -1],
  ] as const) {
    assert.equal(networkOf(address), HOUSE[at], address)
  }
})

test('a client gets the address that it connected to, except through a proxy', () => {
  for (const address of ['10.0.0.7', 'fd00::7']) assert.equal(addressFor(HOUSE, address), address)
  assert.equal(addressFor(HOUSE, '::ffff:10.0.0.7'), '10.0.0.7', 'of a server that listens for IPv6 too')
  assert.equal(addressFor(HOUSE, '127.0.0.1'), '192.168.1.7')
  assert.equal(addressFor([], '::ffff:127.0.0.1'), '127.0.0.1')
})

test('the description is XML whatever the names are', () => {
  const name = `<a> & "b" ]]> \u0000\u0007\ud800 ä 🖨`
  const text = deviceDescription({ name, uuid: 'u-u', version: 'v1', url: 'http://x/?a&b' })
  assert.match(text, /<friendlyName>&lt;a&gt; &amp; "b" \]\]&gt; {2}ä 🖨<\/friendlyName>/)
  assert.match(text, /<presentationURL>http:\/\/x\/\?a&amp;b</)
  assert.match(text, /<serialNumber>uu</)
})
