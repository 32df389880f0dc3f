// The section [ldap] with broken servers and without one; ldap.system.test.ts has a real one.
import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
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

test('a server that never stops sending ends the login, not the memory', async () => {
  const floods = {
    'one message of 2 GB': [Buffer.from('30847fffffff', 'hex'), Buffer.alloc(65_536)],
    'search entries': [Buffer.from('3009020101640404003000'.repeat(6000), 'hex')],
    references: [Buffer.from('3008020101730304016c'.repeat(6000), 'hex')],
    'nested sequences': [Buffer.from('3080'.repeat(30_000), 'hex')],
  }
  for (const [name, [first = Buffer.alloc(0), next = first]] of Object.entries(floods)) {
    let sent = 0
    await using server = await endlessServer(first, next, bytes => {
      sent += bytes
    })
    const conf = `[ldap]\nldap_host: 127.0.0.1\nldap_port: ${server.port}\nbase_dn: dc=x`
    await using rig = await startAccess('', { conf })
    const body = { username: 'a', password: 'b', source: 'ldap' }
    assert.equal((await send(rig, 'POST', '/access/login', body)).status, 503, name)
    assert.ok(sent < 20e6, `${sent} bytes of ${name}`)
    assert.ok(rig.log.some(line => /127.0.0.1:\d+ does not answer: .*longer than 1048576 bytes/s.test(line)))
  }
})

/** A server that answers the first bytes of a client with `first`, and then with `next` for 200 MB. */
async function endlessServer(first: Buffer, next: Buffer, onSent: (bytes: number) => void) {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    let left = 200e6
    const flood = () => {
      while (left > 0 && !socket.destroyed) {
        left -= next.length
        onSent(next.length)
        if (!socket.write(next)) return
      }
    }
    socket.on('drain', flood)
    socket.once('data', () => {
      socket.write(first)
      flood()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.asyncDispose]: async () => void server.close() }
}
