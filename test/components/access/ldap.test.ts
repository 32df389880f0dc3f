// The section [ldap] without a server; test/system/ldap.test.ts has one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escapeFilterValue } from '../../../src/components/access/ldap.ts'
import { send, startAccess } from './access-rig.ts'

test('values are escaped for filters', () => {
  assert.equal(escapeFilterValue('a*b(c)\\d\0'), 'a\\2ab\\28c\\29\\5cd\\00')
  assert.equal(escapeFilterValue('zoë @x.y=,'), 'zoë @x.y=,')
})

test('an invalid section causes a warning, and LDAP is not available', async () => {
  for (const [lines, problem] of [
    ['base_dn: dc=x\nbind_dn: cn=a', /bind_password/],
    ['base_dn: dc=x\nuser_filter: (uid=x)', /USERNAME/],
    ['base_dn: {% if %}', /the template "base_dn" of section \[ldap\] failed at line 1/],
    [
      'base_dn: dc=x\nbind_dn: x\nbind_password: {secrets.no.such}',
      /the template "bind_password" of section/,
    ],
    ['base_dn: dc=x\nldap_port: 99999', /ldap_port/],
    ['', /base_dn/],
  ] as const) {
    await using rig = await startAccess('', { conf: `[ldap]\nldap_host: localhost\n${lines}` })
    const warnings = rig.server.warnings.list().filter(text => text.startsWith('Component [ldap]'))
    assert.match(warnings.join(), problem, lines)
    const { json } = await send(rig, 'GET', '/access/info')
    assert.deepEqual(json.result.available_sources, ['moonraker'])
    const body = { username: 'a', password: 'b', source: 'ldap' }
    const { status, json: reply } = await send(rig, 'POST', '/access/login', body)
    assert.deepEqual([status, reply.error.message], [401, 'LDAP authentication not available'])
  }
})

test('ldap as the default without a section causes a warning', async () => {
  await using rig = await startAccess('default_source: ldap')
  assert.ok(rig.server.warnings.list().some(text => /default_source is 'ldap'/.test(text)))
})
