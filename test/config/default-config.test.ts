// The default moonraker.conf: the server can read it, and never overwrites a file with it.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import { defaultConfig, writeDefaultConfig } from '../../src/config/default-config.ts'
import { Configuration, lines, path } from '../../src/config/index.ts'
import { readSources } from '../../src/config/sources.ts'
import { int, string } from '../../src/schema/index.ts'
import { Folder } from './folder.ts'

test('it is written with its folder, and can be read', () => {
  using folder = new Folder()
  assert.equal(writeDefaultConfig(folder.at('config/moonraker.conf')), true)
  assert.deepEqual(readdirSync(folder.at('config')), ['moonraker.conf'])
  const config = new Configuration(readSources(folder.at('config/moonraker.conf')), '/data')
  const { options } = config.read('server', { host: string(), port: int(), klippy_uds_address: path() })
  assert.deepEqual(options, { host: '0.0.0.0', port: 7125, klippy_uds_address: '/data/comms/klippy.sock' })
  for (const section of ['authorization', 'file_manager', 'announcements'])
    assert.ok(config.has(section), section)
})

test('its values can be set', () => {
  const text = defaultConfig({ host: '127.0.0.1', port: 7200, klippyAddress: '/run/klippy.sock' })
  assert.match(text, /^host: 127\.0\.0\.1\nport: 7200$/m)
  assert.match(text, /^klippy_uds_address: \/run\/klippy\.sock$/m)
})

test('it trusts this host and private networks only', () => {
  using folder = new Folder({ 'moonraker.conf': defaultConfig() })
  const config = new Configuration(readSources(folder.at('moonraker.conf')), '/data')
  const trusted = new BlockList()
  for (const range of config.read('authorization', { trusted_clients: lines() }).options.trusted_clients) {
    const [address, bits] = range.split('/')
    trusted.addSubnet(address!, Number(bits), address!.includes(':') ? 'ipv6' : 'ipv4')
  }
  for (const address of ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.5', '169.254.9.9']) {
    assert.ok(trusted.check(address), address)
  }
  for (const address of ['::1', 'fe80::1', 'fd00::1']) assert.ok(trusted.check(address, 'ipv6'), address)
  for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.64.0.1']) {
    assert.ok(!trusted.check(address), address)
  }
  for (const address of ['2001:db8::1', '::2', 'ff02::1']) assert.ok(!trusted.check(address, 'ipv6'), address)
})

test('an existing file stays, even a link without a target', () => {
  using folder = new Folder({ 'moonraker.conf': 'mine' })
  assert.equal(writeDefaultConfig(folder.at('moonraker.conf')), false)
  assert.equal(folder.read('moonraker.conf'), 'mine')
  folder.link('linked.conf', 'unmounted/moonraker.conf')
  assert.equal(writeDefaultConfig(folder.at('linked.conf')), false)
})
