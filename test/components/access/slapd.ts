// OpenLDAP's server as Debian packages it, in a folder of its own, with a few people and a group.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'ldapts'
import { freePort } from '../../support/free-port.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'

/** The program; SLAPD names another one, in a folder with its schemas and modules as in a system. */
const PROGRAM = process.env.SLAPD ?? '/usr/sbin/slapd'
const ROOT = PROGRAM.replace(/\/usr\/sbin\/slapd$/, '')

/** Another address of this machine under which it is reached. */
export const OTHER_ADDRESS = '127.0.0.2'
export const BASE = 'dc=test,dc=lan'
export const ADMIN = { dn: `cn=admin,${BASE}`, password: 'admin secret' }
export const GROUP = `cn=printers,${BASE}`

/** Why there is no slapd here; undefined where there is one. */
export const absent: string | undefined = existsSync(PROGRAM) ? undefined : `${PROGRAM} is not installed`

/** A running server. */
export interface Slapd extends AsyncDisposable {
  readonly port: number
}

function configuration(folder: string, transport: Transport): string {
  const schema = (name: string) => `include ${ROOT}/etc/ldap/schema/${name}.schema`
  return [
    ...['core', 'cosine', 'inetorgperson'].map(schema),
    ...(transport === 'tls'
      ? [`TLSCertificateFile ${join(folder, 'cert')}`, `TLSCertificateKeyFile ${join(folder, 'key')}`]
      : []),
    `modulepath ${ROOT}/usr/lib/ldap`,
    'moduleload memberof',
    'database ldif',
    `suffix "${BASE}"`,
    `rootdn "${ADMIN.dn}"`,
    `rootpw "${ADMIN.password}"`,
    `directory ${join(folder, 'data')}`,
    'overlay memberof',
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by dn.exact="cn=admin,dc=test,dc=lan" write by * none',
    '',
  ].join('\n')
}

/** Without TLS, or with TLS from the start (ldaps) and a certificate for 127.0.0.1. */
type Transport = 'plain' | 'tls'

/** Starts a server with `people`, a password for each name; `members` are in the group. */
export async function startSlapd(
  people: Readonly<Record<string, string>>,
  members: readonly string[],
  transport: Transport = 'plain',
): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), 'slapd-'))
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'slapd.conf')
  writeFileSync(file, configuration(folder, transport))
  writeFileSync(join(folder, 'cert'), CERTIFICATE)
  writeFileSync(join(folder, 'key'), KEY)
  const port = await freePort()
  const url = `${transport === 'tls' ? 'ldaps' : 'ldap'}://127.0.0.1:${port}`
  const child = spawn(
    PROGRAM,
    ['-f', file, '-h', `${url} ${url.replace('127.0.0.1', OTHER_ADDRESS)}`, '-d', '0'],
    {
      stdio: 'ignore',
    },
  )
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill()
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await untilAnswering(port, child)
    await fill(url, people, members)
  } catch (error) {
    await stop()
    const check = spawnSync(PROGRAM, ['-T', 'test', '-f', file], { encoding: 'utf8' })
    throw new Error(`slapd does not work: ${check.stderr}`, { cause: error })
  }
  return { port, [Symbol.asyncDispose]: stop }
}

async function untilAnswering(port: number, child: ChildProcess): Promise<void> {
  for (const started = Date.now(); Date.now() - started < 10_000 && child.exitCode === null; ) {
    const answered = await new Promise<boolean>(resolve => {
      const probe = connect(port, '127.0.0.1')
      probe.once('connect', () => resolve(true))
      probe.once('error', () => resolve(false))
      probe.once('close', () => probe.destroy())
      probe.once('connect', () => probe.end())
    })
    if (answered) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('no answer')
}

async function fill(
  url: string,
  people: Readonly<Record<string, string>>,
  members: readonly string[],
): Promise<void> {
  const client = new Client({ url, ...(url.startsWith('ldaps') && { tlsOptions: { ca: CERTIFICATE } }) })
  await client.bind(ADMIN.dn, ADMIN.password)
  await client.add(BASE, { objectClass: ['dcObject', 'organization'], dc: 'test', o: 'test' })
  for (const [uid, userPassword] of Object.entries(people)) {
    const entry = {
      objectClass: ['inetOrgPerson'],
      uid,
      cn: uid,
      sn: uid,
      mail: `${uid}@test.lan`,
      userPassword,
    }
    await client.add(dnOf(uid), entry)
  }
  await client.add(GROUP, { objectClass: ['groupOfNames'], cn: 'printers', member: members.map(dnOf) })
  await client.unbind()
}

/** The DN of a person; names with a star or brackets need no escape there. */
export function dnOf(uid: string): string {
  return `uid=${uid},${BASE}`
}
