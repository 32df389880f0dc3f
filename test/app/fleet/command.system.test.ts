// The command `moonraker-ts fleet`: what it prints, and how it refuses.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readFleetCommandLine } from '../../../src/app/fleet/command-line.ts'
import { findEngine } from '../../../src/fleet/hub/engine/child.ts'
import { absent } from '../../support/program.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const MAIN = join(await serverBundle(), 'moonraker.cjs')
const FOLDER = mkdtempSync(join(tmpdir(), 'fleet-command-'))
after(() => rmSync(FOLDER, { recursive: true }))

function run(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('invalid arguments are named', () => {
  const refused = (args: string[]) => {
    try {
      readFleetCommandLine(args)
      return null
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.match(refused(['--engine', 'tls://x:4222']) ?? '', /^--engine and --creds belong together/)
  assert.match(refused(['--port', '70000']) ?? '', /^--port 70000: give a whole number, at most 65535/)
  assert.match(refused(['--url', 'hub']) ?? '', /^--url hub: give an address/)
  assert.match(refused(['launch']) ?? '', /^Unexpected argument 'launch'/)
  assert.match(refused(['certificate']) ?? '', /host names and addresses/)
  assert.equal(readFleetCommandLine(['--url', 'https://hub.example:7230/x']).url, 'https://hub.example:7230')
})

test('the permissions of a printer are printed for operators of a cluster', () => {
  const { status, stdout } = run(['fleet', 'permissions'])
  assert.equal(status, 0)
  assert.match(stdout, /"\$KV\.fleet_slots\.\{\{name\(\)\}\}"/)
})

test('without nats-server the error names its package', async () => {
  await assert.rejects(findEngine([FOLDER]), {
    message: /^nats-server is not installed: apt install nats-server/,
  })
})

test('a certificate has all names, is its own authority, and is not replaced', {
  skip: absent('openssl'),
}, () => {
  const args = ['fleet', 'certificate', 'hub.example', '192.0.2.7', '-d', FOLDER]
  assert.equal(run(args).status, 0)
  const certificate = new X509Certificate(readFileSync(join(FOLDER, 'certs', 'fleet.cert')))
  assert.equal(certificate.subjectAltName, 'DNS:hub.example, IP Address:192.0.2.7')
  assert.ok(certificate.ca)
  const again = run(args)
  assert.equal(again.status, 1)
  assert.match(again.stderr, /there is a certificate already/)
})
