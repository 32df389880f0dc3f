// Logins of users of an LDAP server, with OpenLDAP's slapd.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Rig } from '../../support/rig.ts'
import { CERTIFICATE } from '../../transports/http/certificate.ts'
import { bearer, createUser, logIn, openSocket, send, startAccess, statusFor } from './access-rig.ts'
import { ADMIN, absent, BASE, GROUP, OTHER_ADDRESS, type Slapd, startSlapd } from './slapd.ts'

const PEOPLE = { ada: 'lovelace', bob: 'builder', 'star*': 'star pw', 'a(b)': 'bracket pw' }

interface Setup {
  /** The host in the configuration; 127.0.0.1 if left out. */
  readonly host?: string
  readonly conf?: string
  readonly authorization?: string
}

function startWith(
  { port }: Pick<Slapd, 'port'>,
  { host = '127.0.0.1', conf = '', authorization = '' }: Setup = {},
): Promise<Rig> {
  const section = [
    '[ldap]',
    `ldap_host: ${host}`,
    `ldap_port: ${port}`,
    `base_dn: ${BASE}`,
    `bind_dn: ${ADMIN.dn}`,
    'bind_password: {secrets.ldap.password}',
    conf,
  ]
  return startAccess(authorization, {
    conf: section.join('\n'),
    prepare: ({ secrets }) => writeFileSync(secrets, `[ldap]\npassword: ${ADMIN.password}\n`),
  })
}

const login = (rig: Rig, username: string, password: string, source = 'ldap') =>
  send(rig, 'POST', '/access/login', { username, password, source })

suite('LDAP', { skip: absent ?? false }, () => {
  test('a user of the directory logs in, and becomes a user of the server', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    await using rig = await startWith(slapd)
    const info = (await send(rig, 'GET', '/access/info')).json.result
    assert.deepEqual(info.available_sources, ['moonraker', 'ldap'])
    const { status, json } = await login(rig, 'ada', 'lovelace')
    assert.deepEqual([status, json.result.source], [200, 'ldap'])
    assert.equal(await statusFor(rig, bearer(json.result.token)), 200)
    assert.equal((await login(rig, 'ada', 'lovelace')).status, 200, 'and again')
    const { users } = (await send(rig, 'GET', '/access/users/list', undefined, {})).json.result
    assert.deepEqual(
      users.map((user: { username: string; source: string }) => [user.username, user.source]),
      [['ada', 'ldap']],
    )
    using socket = await openSocket(rig)
    const over = await socket.call('access.login', { username: 'bob', password: 'builder', source: 'LDAP' })
    assert.equal(over.result.username, 'bob')
    const change = { password: 'builder', new_password: 'x' }
    assert.equal((await socket.call('access.user.password', change)).error.code, 400)
  })

  test('a wrong password, an empty one and an unknown user are refused alike', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    await using rig = await startWith(slapd, { authorization: 'max_login_attempts: 100' })
    for (const [username, password] of [
      ['ada', 'wrong'],
      ['ada', ''],
      ['unknown', 'lovelace'],
      ['ADA*', 'lovelace'],
    ] as const) {
      const { status, json } = await login(rig, username, password)
      assert.deepEqual([status, json.error.message], [401, 'Unauthorized'], `${username} ${password}`)
    }
    assert.equal((await login(rig, '', 'x')).status, 400)
  })

  test('names are escaped in filters: they match themselves and nothing else', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    for (const conf of ['', 'user_filter: (|(uid=USERNAME)(mail=USERNAME))']) {
      await using rig = await startWith(slapd, { conf, authorization: 'max_login_attempts: 100' })
      assert.equal((await login(rig, 'star*', 'star pw')).status, 200, 'star')
      assert.equal((await login(rig, 'a(b)', 'bracket pw')).status, 200, 'brackets')
      for (const username of [
        '*',
        'ad*',
        'ada)(uid=*',
        '*)(|(uid=*',
        'ada\\',
        '\\61da',
        'ada)(objectClass=*',
      ]) {
        assert.equal((await login(rig, username, 'lovelace')).status, 401, username)
      }
      const byMail = await login(rig, 'ada@test.lan', 'lovelace')
      assert.equal(byMail.status, conf === '' ? 401 : 200)
    }
  })

  test('a person is one user, however the name is written', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    const conf = 'user_filter: (|(uid=USERNAME)(mail=USERNAME))'
    await using rig = await startWith(slapd, { conf })
    assert.equal((await login(rig, 'ada', 'lovelace')).json.result.username, 'ada')
    await send(rig, 'POST', '/access/user/role', { username: 'ada', role: 'viewer' }, {})
    for (const username of ['ADA', ' ada ', 'ada@test.lan']) {
      const { status, json } = await login(rig, username, 'lovelace')
      assert.deepEqual([status, json.result?.username], [200, 'ada'], username)
      const me = await send(rig, 'GET', '/access/user', undefined, bearer(json.result.token))
      assert.equal(me.json.result.role, 'viewer')
    }
  })

  test('only members of the group log in, if one is configured', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    for (const [conf, expected] of [
      [`group_dn: ${GROUP}`, 200],
      [`group_dn: ${GROUP.toUpperCase()}`, 401],
      [`group_dn: ${GROUP.toUpperCase()}\ncheck_dn_case: False`, 200],
      [`group_dn: ${GROUP}\nmembership_attribute: isMemberOf`, 401],
    ] as const) {
      await using rig = await startWith(slapd, { conf })
      assert.equal((await login(rig, 'ada', 'lovelace')).status, expected, conf)
      assert.equal((await login(rig, 'bob', 'builder')).status, 401, conf)
    }
  })

  test('users log in with their own source only', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'])
    await using rig = await startWith(slapd, { conf: 'role: viewer', authorization: 'default_source: ldap' })
    await createUser(rig, 'bob', { source: 'moonraker' })
    const wrongSource = await login(rig, 'bob', 'builder')
    assert.equal(
      wrongSource.json.error.message,
      "Moonraker cannot authenticate user 'bob', must specify source 'moonraker'",
    )
    const byDefault = await logIn(rig, 'ada', 'lovelace')
    const me = await send(rig, 'GET', '/access/user', undefined, bearer(byDefault.json.result.token))
    assert.equal(me.json.result.role, 'viewer')
    const local = await login(rig, 'ada', 'lovelace', 'moonraker')
    assert.deepEqual([local.status, local.json.error.message], [400, 'Invalid Password'])
    const creating = await send(rig, 'POST', '/access/user', { username: 'x', password: 'y' }, {})
    assert.equal(creating.json.error.message, 'Invalid Request to create new LDAP User')
  })

  test('a directory that does not answer is not a failed login', async () => {
    const slapd = await startSlapd(PEOPLE, ['ada'])
    await using rig = await startWith(slapd, { authorization: 'max_login_attempts: 2' })
    await using bad = await startWith(slapd, { conf: '\n[ldap_unused]' })
    assert.equal((await login(bad, 'ada', 'lovelace')).status, 200)
    await slapd[Symbol.asyncDispose]()
    for (let i = 0; i < 5; i += 1) assert.equal((await login(rig, 'ada', 'lovelace')).status, 503)
    assert.ok(
      rig.log.some(line =>
        /the LDAP server ldap:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/.test(line),
      ),
    )
    assert.ok(!rig.log.some(line => line.includes(ADMIN.password)))
  })

  test('over TLS the certificate of the server is checked, unless the configuration turns this off', async () => {
    await using slapd = await startSlapd(PEOPLE, ['ada'], 'tls')
    const secure = 'ldap_secure: True\n'
    await using checking = await startWith(slapd, { conf: secure })
    assert.equal((await login(checking, 'ada', 'lovelace')).status, 503)
    assert.ok(
      checking.log.some(line => /ldaps:\/\/127\.0\.0\.1:\d+ does not answer: .*self-signed/.test(line)),
    )
    await using trusting = await startWith(slapd, { conf: `${secure}verify_certificate: False` })
    assert.equal((await login(trusting, 'ada', 'lovelace')).status, 200)
    assert.equal((await login(trusting, 'ada', 'wrong')).status, 401)
    await using plain = await startWith(slapd)
    assert.equal((await login(plain, 'ada', 'lovelace')).status, 503, 'the port is for TLS only')
    const defaults = getCACertificates('default')
    setDefaultCACertificates([...defaults, CERTIFICATE])
    try {
      assert.equal(
        (await login(checking, 'ada', 'lovelace')).status,
        200,
        'a certificate that the system trusts',
      )
      assert.equal((await login(checking, 'bob', 'wrong')).status, 401)
      // The certificate is for localhost and 127.0.0.1.
      await using misled = await startWith(slapd, { host: OTHER_ADDRESS, conf: secure })
      assert.equal((await login(misled, 'ada', 'lovelace')).status, 503, 'a certificate of another host')
    } finally {
      setDefaultCACertificates(defaults)
    }
  })
})
