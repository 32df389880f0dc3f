// A power cut right after an update of this server ends the guard that waits for the new version. Then the starts of that
// version decide: after three without an answer, or when it hangs, the previous version is back.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { GitRepos } from '../../support/git-repos.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import type { WebClient } from '../../support/web-client.ts'
import { fakePrograms } from '../machine/fake-programs.ts'
import { manifest, OwnServerBench, ownVersion } from './own-server-bench.ts'

/** In place of systemd-run: the guard that it starts is lost at once. */
const LOST_GUARD = { systemctl: '', 'systemd-run': 'exit 0' }
/** The server of builds that print their version, and otherwise end or do not answer. */
const CRASHES = "() => { if (!process.argv.includes('--version')) process.exit(1) }"
const HANGS = "() => { if (!process.argv.includes('--version')) setInterval(() => {}, 1000) }"
/** Seconds that a new version has to answer: so many that three starts take less, and as few as a good one may need. */
const MANY_SECONDS = 60
const FEW_SECONDS = 8

async function assertTakenBack(client: WebClient, reason: string): Promise<void> {
  const { warnings } = (await client.call('server.info')).result
  assert.ok(
    warnings.includes(
      `The new version of this server did not answer ${reason}: the previous version is back`,
    ),
    warnings.join('\n'),
  )
}

suite('a release', { concurrency: 2 }, () => {
  for (const [what, server, guardSeconds, reason] of [
    ['crashes', CRASHES, MANY_SECONDS, 'in 3 starts'],
    ['hangs', HANGS, FEW_SECONDS, `within ${FEW_SECONDS} s`],
  ] as const) {
    test(`that ${what} is taken back`, async () => {
      using _ = fakePrograms(LOST_GUARD)
      await using releases = await ReleaseServer.start()
      await using bench = await OwnServerBench.start({ releases, guardSeconds })
      using first = await bench.client()
      const archive = bench.archive('v1.1.0', { 'dist/server.cjs': server })
      releases.repos.set('dummy/moonraker-ts', [{ tag: 'v1.1.0', assets: { 'moonraker-ts.zip': archive } }])
      await first.call('machine.update.refresh', { name: 'moonraker' })
      const reply = await first.call('machine.update.moonraker')
      assert.equal(reply.result, 'ok', JSON.stringify(reply))
      bench.restart()
      using second = await bench.client()
      assert.equal(await ownVersion(second), 'v1.0.0')
      await assertTakenBack(second, reason)
      assert.ok(!existsSync(join(bench.folder, '.server.update/trial.json')))
    })
  }
})

test('a commit with the built server, as KIAUH installs it, is taken back', async () => {
  using _ = fakePrograms(LOST_GUARD)
  using repos = new GitRepos()
  await using releases = await ReleaseServer.start()
  let before = ''
  const prepare = (root: string) => {
    repos.create('source', 'main')
    repos.write('source', '.gitignore', '/dist/cache/\n/.dist.update/\n/node_modules/\n/release_info.json\n')
    repos.write('source', 'package.json', manifest)
    execFileSync('cp', ['-R', join(root, 'dist'), repos.path('source', 'dist')])
    repos.commit('source', 'one')
    repos.tag('source', 'v1.0.0')
    repos.publish('source', 'remote.git')
    repos.clone('remote.git', 'clone')
    renameSync(repos.path('clone', '.git'), join(root, '.git'))
    execFileSync('git', ['-C', root, 'reset', '--quiet', '--hard'])
    before = repos.git('source', 'rev-parse', 'HEAD')
    repos.write('source', 'dist/server.cjs', CRASHES)
    repos.commit('source', 'two')
    repos.tag('source', 'v1.1.0')
    repos.git('source', 'push', '--quiet', repos.path('remote.git'), 'main', 'v1.1.0')
  }
  await using bench = await OwnServerBench.start({ releases, guardSeconds: MANY_SECONDS, prepare })
  using first = await bench.client()
  const reply = await first.call('machine.update.upgrade', { name: 'moonraker' })
  assert.equal(reply.result, 'ok', JSON.stringify(reply))
  assert.equal(readFileSync(join(bench.root, 'dist/server.cjs'), 'utf8'), CRASHES)
  bench.restart()
  using second = await bench.client()
  await assertTakenBack(second, 'in 3 starts')
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', bench.root, ...args], { encoding: 'utf8' }).trim()
  assert.equal(git('rev-parse', 'HEAD'), before)
  assert.equal(git('status', '--porcelain'), '')
})
