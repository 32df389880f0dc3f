// Packages of Node.js, with the npm of this machine and a package in a file.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Dependencies } from '../../../src/components/update-manager/dependencies/index.ts'
import { testLog } from '../../support/test-log.ts'
import { runOf } from './git-bench.ts'

/** Puts a version of the package `dep` next to the application, and into its lock file. */
function publish(folder: string, version: string): void {
  const source = join(folder, 'source/package')
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, 'package.json'), JSON.stringify({ name: 'dep', version }))
  const file = `dep-${version}.tgz`
  const archive = join(folder, 'app', file)
  execFileSync('tar', ['-czf', archive, '-C', join(folder, 'source'), 'package'])
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
  const dependencies = { dep: `file:${file}` }
  const app = { name: 'app', version: '1.0.0', dependencies }
  const packages = { '': app, 'node_modules/dep': { version, resolved: `file:${file}`, integrity } }
  const lock = { name: 'app', version: '1.0.0', lockfileVersion: 3, requires: true, packages }
  writeFileSync(join(folder, 'app/package.json'), JSON.stringify(app))
  writeFileSync(join(folder, 'app/package-lock.json'), JSON.stringify(lock))
}

test('npm installs the packages of a new lock file', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'npm-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // No request for advisories.
  process.env.npm_config_offline = 'true'
  t.after(() => delete process.env.npm_config_offline)
  const path = join(folder, 'app')
  mkdirSync(path)
  publish(folder, '1.0.0')
  const dependencies = new Dependencies({
    files: { path, python: null, system: null, script: null, node: true },
    virtualenv: null,
    pipEnvironment: {},
    packages: { provider: () => Promise.resolve(null) },
    log: testLog({ console: () => undefined }),
  })
  const installed = () =>
    JSON.parse(readFileSync(join(path, 'node_modules/dep/package.json'), 'utf8')).version
  const install = (before: Awaited<ReturnType<Dependencies['read']>> | null) =>
    runOf(run => dependencies.install(run, 'App', before))

  const { lines, error } = await install(null)
  assert.equal(error, null)
  assert.equal(lines[0], 'App: Updating Node Packages...')
  assert.equal(installed(), '1.0.0', lines.join('\n'))

  const before = await dependencies.read()
  assert.deepEqual((await install(before)).lines, [])
  publish(folder, '2.0.0')
  await install(before)
  assert.equal(installed(), '2.0.0')

  writeFileSync(join(path, 'package-lock.json'), '{')
  const { lines: failed } = await install(before)
  assert.equal(failed.at(-1), 'App: Node Package update failed')
})
