// Joining a fleet by a code: the hub is checked by the CA certificate that the code names.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { fromSeed } from '@nats-io/nkeys'
import { codeText, type Enrolment } from '../../../src/fleet/contract/index.ts'
import { call } from '../../fleet/call.ts'
import { startRig } from '../../support/rig.ts'
import { serverBundle } from '../../support/server-bundle.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'
import { EXPIRED_CERTIFICATE } from '../mqtt/expired-certificate.ts'

const MAIN = join(await serverBundle(), 'moonraker.cjs')

const digestOf = (pem: string) => createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')

/** A hub that gives `reply`, and the enrolments that it received. */
async function startHub(reply: { readonly status: number; readonly body: object }) {
  const enrolments: Enrolment[] = []
  const server = createServer({ cert: CERTIFICATE, key: KEY }, async (req, res) => {
    const parts: Buffer[] = []
    for await (const part of req) parts.push(part)
    enrolments.push(JSON.parse(Buffer.concat(parts).toString()))
    res.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply.body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hub = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { hub, enrolments, [Symbol.asyncDispose]: async () => void server.close() }
}

const ENROLLED = {
  jwt: 'header.claims.signature',
  engine: ['tls://hub.example:4222', 'tls://hub2.example:4222'],
  ca: CERTIFICATE,
  epoch: 'e1',
}

test('a printer joins, stays as it is configured, and leaves', async () => {
  await using hub = await startHub({ status: 200, body: { result: ENROLLED } })
  await using rig = await startRig({ printer: 'none', conf: '# my notes\n[octoprint_compat]\n' })
  const code = codeText({ hub: hub.hub, secret: 'once', ca: digestOf(CERTIFICATE) })
  const { id, engine } = await call(rig, 'server.fleet.join', { code, name: 'Voron' })
  await rig.restartRequested
  const seedFile = join(rig.dataPath, 'fleet', 'seed')
  const seed = readFileSync(seedFile, 'utf8').trim()
  const nkey = fromSeed(new TextEncoder().encode(seed)).getPublicKey()
  assert.deepEqual(hub.enrolments, [{ code: 'once', id, nkey, name: 'Voron', api_version: '1.5.0' }])
  assert.deepEqual(engine, ENROLLED.engine)
  const credentialFile = join(rig.dataPath, 'fleet', 'credential.json')
  const { jwt, ca, epoch } = ENROLLED
  assert.deepEqual(JSON.parse(readFileSync(credentialFile, 'utf8')), { jwt, ca, epoch })
  for (const file of [seedFile, credentialFile]) assert.equal(statSync(file).mode & 0o777, 0o600)
  const conf = readFileSync(rig.paths.configFile, 'utf8')
  assert.match(
    conf,
    /# my notes\n\[octoprint_compat\]\n[\s]*\[fleet\]\nengine: tls:\/\/hub.example:4222, tls/,
  )
  // A second time, by the command: the same key, and one section.
  const { stdout } = await promisify(execFile)(process.execPath, [
    MAIN,
    'fleet-join',
    code,
    '-d',
    rig.dataPath,
  ])
  assert.equal(stdout, `joined the fleet of ${ENROLLED.engine.join(', ')}; the server restarts\n`)
  assert.equal(hub.enrolments[1]?.nkey, nkey)
  assert.equal(readFileSync(rig.paths.configFile, 'utf8'), conf)
})

test('a printer sends its code to no other hub, and a wrong code nowhere', async () => {
  await using hub = await startHub({ status: 200, body: { result: ENROLLED } })
  await using rig = await startRig({ printer: 'none' })
  const other = codeText({ hub: hub.hub, secret: 'once', ca: digestOf(EXPIRED_CERTIFICATE) })
  await assert.rejects(call(rig, 'server.fleet.join', { code: other }), /it is another hub/)
  await assert.rejects(call(rig, 'server.fleet.join', { code: 'fleet1.xyz' }), /not a code of a fleet/)
  const open = codeText({ hub: hub.hub, secret: 'once', ca: null })
  await assert.rejects(call(rig, 'server.fleet.join', { code: open }), /no CA certificate/)
  const gone = codeText({ hub: 'https://127.0.0.1:1', secret: 'once', ca: digestOf(CERTIFICATE) })
  await assert.rejects(call(rig, 'server.fleet.join', { code: gone }), /ECONNREFUSED/)
  assert.deepEqual(hub.enrolments, [])
  assert.equal(existsSync(join(rig.dataPath, 'fleet', 'credential.json')), false)
})

test('what a hub replies is checked before anything is written', async () => {
  const replies = [
    { status: 403, body: { error: { code: 403, message: 'the code has expired' } } },
    { status: 200, body: {} },
    { status: 200, body: { result: { ...ENROLLED, ca: EXPIRED_CERTIFICATE } } },
    { status: 200, body: { result: { ...ENROLLED, engine: ['tls://hub:4222\n[authorization]'] } } },
    { status: 200, body: { result: { ...ENROLLED, engine: [] } } },
    { status: 302, body: {} },
  ]
  const reply = { status: 200, body: {} }
  await using hub = await startHub(reply)
  await using rig = await startRig({ printer: 'none' })
  const code = codeText({ hub: hub.hub, secret: 'once', ca: digestOf(CERTIFICATE) })
  const problems: string[] = []
  for (const each of replies) {
    Object.assign(reply, each)
    problems.push(
      await call(rig, 'server.fleet.join', { code }).then(
        () => 'joined',
        error => error.message,
      ),
    )
  }
  assert.match(problems[0] ?? '', /The hub refuses: the code has expired/)
  assert.match(problems[2] ?? '', /another CA certificate/)
  assert.equal(problems.includes('joined'), false)
  assert.equal(existsSync(join(rig.dataPath, 'fleet', 'credential.json')), false)
  assert.doesNotMatch(readFileSync(rig.paths.configFile, 'utf8'), /fleet/)
})

test('a printer whose server does not run joins by the command, and leaves', async () => {
  await using hub = await startHub({ status: 200, body: { result: ENROLLED } })
  const code = codeText({ hub: hub.hub, secret: 'once', ca: digestOf(CERTIFICATE) })
  const { paths, [Symbol.asyncDispose]: stop } = await startRig({ printer: 'none' })
  const data = mkdtempSync(join(tmpdir(), 'join-'))
  cpSync(paths.data, data, { recursive: true, filter: path => !path.endsWith('.sock') })
  await stop()
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [MAIN, 'fleet-join', ...args])
  try {
    const { stdout } = await run(code, '-d', data, '--name', 'Voron')
    assert.match(stdout, /^joined the fleet of .*; start the server\n$/)
    assert.equal(hub.enrolments[0]?.name, 'Voron')
    await assert.rejects(run('nonsense', '-d', data), /moonraker-ts: This is not a code of a fleet/)
    await assert.rejects(run(code, '-d', join(data, 'comms')), /start the server once/)
    await using joined = await startRig({
      printer: 'none',
      prepare: target => cpSync(data, target.data, { recursive: true }),
    })
    assert.equal((await call(joined, 'server.fleet.status', {})).epoch, 'e1')
    await call(joined, 'server.fleet.leave', {})
    await joined.restartRequested
    assert.doesNotMatch(readFileSync(joined.paths.configFile, 'utf8'), /fleet/)
    assert.equal(existsSync(join(joined.dataPath, 'fleet', 'credential.json')), false)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
