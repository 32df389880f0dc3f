// The certificate that `moonraker-ts fleet certificate` has openssl make.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { absent } from '../../support/program.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const MAIN = join(await serverBundle(), 'moonraker.cjs')
const FOLDER = mkdtempSync(join(tmpdir(), 'fleet-certificate-'))
after(() => rmSync(FOLDER, { recursive: true }))

const run = (args: readonly string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

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
