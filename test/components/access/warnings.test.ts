import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

test('options that grant more than people expect, or have no effect, cause warnings', async () => {
  const authorization = [
    'trusted_clients:\n  127.0.0.1\n  0.0.0.0/0\n  300.1.1.1',
    'trusted_proxies:\n  8.8.8.8',
    'cors_domains:\n  http://evil.*\n  *',
    'force_login: True',
  ].join('\n')
  await using rig = await startRig({ printer: 'none', authorization })
  using client = await WebClient.open(rig.url)
  const { warnings } = (await client.call('server.info')).result
  const all = warnings.join('\n')
  assert.match(all, /trusted_clients: '0\.0\.0\.0\/0' grants access to addresses of the internet/)
  assert.match(all, /trusted_proxies: '8\.8\.8\.8' grants access to addresses of the internet/)
  assert.match(all, /trusted_clients: '300\.1\.1\.1' is not an address/)
  assert.match(all, /cors_domains: 'http:\/\/evil\.\*' has a wildcard/)
  assert.match(all, /cors_domains: '\*' allows every web page/)
  assert.match(all, /force_login/, 'an unknown option')
})

test('a sensible configuration has no warnings', async () => {
  const authorization =
    'trusted_clients:\n  127.0.0.0/8\n  192.168.0.0/16\n  FE80::/10\ncors_domains:\n  *://*.local'
  await using rig = await startRig({ printer: 'none', authorization })
  assert.deepEqual(rig.server.warnings.list(), [])
})
