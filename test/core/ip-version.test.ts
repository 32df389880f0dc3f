// The check whether a text is an IP address finds what Node's own finds.
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import { ipVersion } from '../../src/core/ip-version.ts'

const TEXTS = [
  '127.0.0.1',
  '1.2.3',
  '01.2.3.4',
  '::1',
  'fe80::1%eth0',
  '::ffff:1.2.3.4',
  '1::2::3',
  'printer.local',
  '',
]

test('ipVersion finds the same addresses as isIP of node:net', () => {
  assert.deepEqual(TEXTS.map(ipVersion), TEXTS.map(isIP))
})
