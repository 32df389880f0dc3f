// Deprecated options that place the secrets, the certificate or the database outside the data folder.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withDeprecatedPaths } from '../../src/app/deprecated-paths.ts'
import { serverOptions } from '../../src/app/server-section.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { configuration } from '../config/configuration.ts'
import { sendRequest } from '../support/raw-http.ts'
import { type RigOptions, startRig } from '../support/rig.ts'
import { CERTIFICATE, KEY } from '../transports/http/certificate.ts'
import { statusOverTls } from '../transports/http/tls-request.ts'

const PLACES = 'ssl_certificate_path: {data}/config/my.cert\nssl_key_path: {data}/config/my.key'
const SECRETS = '[secrets]\nsecrets_path: {data}/config/my.ini'
const SUDO = '\n[machine]\nprovider: none\nsudo_password: {secrets.machine.sudo}'

const withFiles = (files: Record<string, string>): NonNullable<RigOptions['prepare']> => {
  return ({ config }) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text)
  }
}

async function warningsOf(port: number): Promise<string[]> {
  return (await sendRequest(port, '/server/info')).json.result.warnings
}

test('a certificate outside the data folder serves HTTPS, and no client can read its key', async () => {
  await using rig = await startRig({
    printer: 'none',
    server: PLACES,
    prepare: withFiles({ 'my.cert': CERTIFICATE, 'my.key': KEY }),
  })
  assert.equal(await statusOverTls(rig.server.tlsPort, '/server/info'), 200)
  assert.equal((await sendRequest(rig.port, '/server/files/config/my.key')).status, 403)
  const warnings = await warningsOf(rig.port)
  assert.equal(warnings.length, 2)
  for (const warning of warnings) assert.match(warning, /ssl_(certificate|key)_path.* is deprecated; put the/)
})

test('templates can use secrets outside the data folder, and no client can read them', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: SECRETS + SUDO,
    prepare: withFiles({ 'my.ini': '[machine]\nsudo: hush\n' }),
  })
  const warnings = await warningsOf(rig.port)
  assert.equal(warnings.length, 1)
  assert.match(warnings.join(), /"secrets_path" of section \[secrets\] is deprecated; put the secrets at/)
  assert.equal((await sendRequest(rig.port, '/server/files/config/my.ini')).status, 403)
  assert.ok(!rig.log.join().includes('hush'))
})

test('the file in the data folder takes precedence over the one that the option names', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: SECRETS + SUDO,
    prepare: paths => {
      withFiles({ 'my.ini': '[other]\na: b\n' })(paths)
      writeFileSync(paths.secrets, '[machine]\nsudo: hush\n')
    },
  })
  assert.equal((await warningsOf(rig.port)).length, 1)
})

test('a missing file and secrets that cannot be read are warnings; the rest works', async () => {
  await using rig = await startRig({ printer: 'none', server: PLACES, conf: SECRETS })
  assert.equal(rig.server.tlsPort, null)
  const missing = (await warningsOf(rig.port)).filter(text => text.includes('does not exist'))
  assert.deepEqual(
    missing.map(text => text.split(':')[0]),
    ['[secrets] secrets_path', '[server] ssl_certificate_path', '[server] ssl_key_path'],
  )
  await using broken = await startRig({
    printer: 'none',
    prepare: ({ secrets }) => writeFileSync(secrets, 'hush'),
  })
  const warnings = await warningsOf(broken.port)
  assert.equal(warnings.length, 1)
  assert.match(warnings.join(), /moonraker\.secrets cannot be read: line 1 is neither/)
})

test('an empty section [secrets] is no warning', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[secrets]\n' })
  assert.deepEqual(await warningsOf(rig.port), [])
  const { config, orig } = (await sendRequest(rig.port, '/server/config')).json.result
  assert.deepEqual([config.secrets, orig.secrets], [{ secrets_path: null }, {}])
})

test('the default data folder uses a database from before data folders, until it has its own', t => {
  const home = mkdtempSync(join(tmpdir(), 'home-'))
  const { HOME } = process.env
  t.after(() => {
    process.env.HOME = HOME
    rmSync(home, { recursive: true })
  })
  process.env.HOME = home
  assert.equal(homedir(), home)
  const databaseIn = (data: string, conf = ''): string => {
    const config = configuration(`[database]\n${conf}\n[server]\n`)
    const { options } = config.read('server', serverOptions)
    return withDeprecatedPaths(dataPaths(data), config, options, new Warnings(() => {})).database
  }
  const usual = join(home, 'printer_data')
  const previous = join(home, '.moonraker_database')
  const own = join(usual, 'database')
  assert.equal(databaseIn(usual), own)
  mkdirSync(previous)
  mkdirSync(own, { recursive: true })
  writeFileSync(join(previous, 'data.mdb'), '')
  assert.equal(databaseIn(usual), previous)
  assert.equal(databaseIn(usual, `database_path: ${home}/nothing`), own)
  assert.equal(databaseIn(join(home, 'other')), join(home, 'other/database'))
  mkdirSync(join(home, 'mine'))
  writeFileSync(join(home, 'mine/data.mdb'), '')
  assert.equal(databaseIn(usual, 'database_path: ~/mine'), join(home, 'mine'))
  writeFileSync(join(own, 'moonraker-sql.db'), '')
  assert.equal(databaseIn(usual, 'database_path: ~/mine'), own)
})
