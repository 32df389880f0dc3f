// Updates of this server from releases and in a git repository: the program as it is installed, a service manager that starts
// it again, and a new version that does not answer.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { GitRepos } from '../../support/git-repos.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'
import { fakePrograms } from '../machine/fake-programs.ts'
import { manifest, OwnServerBench, ownVersion, SYSTEMD_RUN } from './own-server-bench.ts'

const PACK = fileURLToPath(new URL('../../../scripts/release-archive.ts', import.meta.url))
/** Seconds that a new version has to answer in this test: a busy machine needs more than four. */
const GUARD_SECONDS = 8

/** A program that starts, but does not answer. */
const HANGS = "if (process.argv.includes('--version')) process.exit(0)\nsetInterval(() => {}, 1000)"

/** The guard of such a version is as useless. */
const BROKEN = { 'dist/moonraker.cjs': HANGS, 'dist/update-guard.cjs': 'process.exit(1)' }

const lastLine = (client: WebClient): string =>
  client.frames.filter(({ method }: Frame) => method === 'notify_update_response').at(-1)?.params[0].message

async function assertTakenBack(client: WebClient): Promise<void> {
  const { result } = await client.call('server.info')
  assert.match(
    result.warnings.join('\n'),
    new RegExp(`did not answer within ${GUARD_SECONDS} s: the previous version is back`),
  )
}

test('this server is updated, and a version that does not answer is taken back', async () => {
  using programs = fakePrograms({ systemctl: '', 'systemd-run': SYSTEMD_RUN })
  await using releases = await ReleaseServer.start()
  await using bench = await OwnServerBench.start({ releases, guardSeconds: GUARD_SECONDS })
  const publish = (tag: string, archive: Buffer) =>
    releases.repos.set('dummy/moonraker-ts', [{ tag, assets: { 'moonraker-ts.zip': archive } }])

  publish('v1.1.0', bench.archive('v1.1.0', { 'package.json': '{"name":"moonraker"}' }))
  using first = await bench.client()
  assert.equal(await ownVersion(first), 'v1.0.0')
  const other = await first.call('machine.update.moonraker')
  assert.match(other.error.message, /^The release is not one of this server, moonraker-ts/)

  publish('v1.1.0', bench.archive('v1.1.0', { 'dist/moonraker.cjs': 'syntax error' }))
  await first.call('machine.update.refresh', { name: 'moonraker' })
  const broken = await first.call('machine.update.moonraker')
  assert.match(broken.error.message, /^The new version does not run: /)
  assert.equal(await ownVersion(first), 'v1.0.0')

  const file = join(bench.folder, 'moonraker-ts.zip')
  await promisify(execFile)(process.execPath, [PACK, 'dummy/moonraker-ts', 'v1.1.0', file, bench.root])
  publish('v1.1.0', readFileSync(file))
  await first.call('machine.update.refresh', { name: 'moonraker' })
  assert.equal((await first.call('machine.update.moonraker')).result, 'ok')
  assert.equal(lastLine(first), 'Zip Application moonraker: Update Finished...')
  bench.restart()
  using second = await bench.client()
  assert.equal(await ownVersion(second), 'v1.1.0')
  assert.equal(readFileSync(join(bench.root, 'node_modules/koffi/kept'), 'utf8'), 'mine')
  const trial = join(bench.folder, '.server.update/trial.json')
  while (existsSync(trial)) await setTimeout(20)

  publish('v1.2.0', bench.archive('v1.2.0', BROKEN))
  await second.call('machine.update.refresh', { name: 'moonraker' })
  assert.equal((await second.call('machine.update.moonraker')).result, 'ok')
  bench.restart()
  using third = await bench.client()
  assert.equal(await ownVersion(third), 'v1.1.0')
  await assertTakenBack(third)
  // The guard is a unit of its own: systemd ends the processes of a service with it.
  const unit = ['--no-ask-password', '--quiet', '--collect', `--uid=${process.getuid?.()}`]
  assert.deepEqual(programs.calls(), [...unit, ...unit])
})

test('a server of a Debian package is left to apt', async () => {
  await using releases = await ReleaseServer.start()
  const installed = (version: string, current: string) =>
    JSON.stringify({ package: 'moonraker-ts', version, command: '/usr/bin/moonraker-ts', current })
  await using bench = await OwnServerBench.start({
    releases,
    guardSeconds: GUARD_SECONDS,
    prepare: root =>
      writeFileSync(
        join(root, 'dist/installed-package.json'),
        installed('1.0.0-1', join(root, '../current')),
      ),
  })
  const files = () =>
    readdirSync(bench.folder, { recursive: true }).filter(path => !/^data|cache/.test(String(path)))
  using client = await bench.client()
  const entry = async () => (await client.call('machine.update.status')).result.version_info.moonraker
  const { version, remote_version, is_valid, preview, anomalies } = await entry()
  assert.deepEqual([version, remote_version, is_valid, preview], ['1.0.0-1', '1.0.0-1', true, null])
  assert.match(anomalies.join('\n'), /^Installed by the Debian package moonraker-ts: .*apt install[^\n]*$/)
  const before = files()
  assert.equal((await client.call('machine.update.moonraker')).result, 'ok')
  assert.match(lastLine(client), /^Debian package moonraker-ts: Installed by/)
  assert.deepEqual(files(), before)

  bench.write('current/installed-package.json', installed('1.1.0-1', ''))
  await client.call('machine.update.refresh', { name: 'moonraker' })
  assert.match(
    (await entry()).anomalies[0],
    /^Version 1\.1\.0-1 is installed: it runs after a restart of the service$/,
  )
})

/** Builds a program that starts, but does not answer. */
const BROKEN_BUILD = `
import { cpSync, writeFileSync } from 'node:fs'
cpSync('dist', process.argv[2], { recursive: true })
writeFileSync(process.argv[2] + '/moonraker.cjs', ${JSON.stringify(HANGS)})
writeFileSync(process.argv[2] + '/update-guard.cjs', 'process.exit(1)')
`

test('in a git repository, a build that does not answer is taken back', async () => {
  using _ = fakePrograms({ systemctl: '', 'systemd-run': 'exit 1', sudo: 'exit 1' })
  using repos = new GitRepos()
  await using releases = await ReleaseServer.start()
  const prepare = (root: string) => {
    repos.create('source', 'main')
    repos.write('source', 'package.json', manifest)
    repos.write('source', 'scripts/build.mjs', BROKEN_BUILD)
    repos.write('source', '.gitignore', '/dist/\n/.dist.update/\n/node_modules/\n/release_info.json\n')
    repos.commit('source', 'one')
    repos.tag('source', 'v1.0.0')
    repos.publish('source', 'remote.git')
    repos.clone('remote.git', 'clone')
    renameSync(repos.path('clone', '.git'), join(root, '.git'))
    execFileSync('git', ['-C', root, 'reset', '--quiet', '--hard'])
    repos.commit('source', 'two')
    repos.tag('source', 'v1.1.0')
    repos.git('source', 'push', '--quiet', repos.path('remote.git'), 'main', 'v1.1.0')
  }
  await using bench = await OwnServerBench.start({ releases, guardSeconds: GUARD_SECONDS, prepare })
  const program = () => readFileSync(join(bench.root, 'dist/moonraker.cjs'), 'utf8')
  const present = program()
  using first = await bench.client()
  const reply = await first.call('machine.update.upgrade', { name: 'moonraker' })
  assert.equal(reply.result, 'ok', JSON.stringify(reply))
  assert.equal(program(), HANGS)
  bench.restart()
  using second = await bench.client()
  assert.equal(program(), present)
  await assertTakenBack(second)
})
