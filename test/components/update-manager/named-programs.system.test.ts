// Programs that the configuration of a repository names: git would run them as the server's user.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { gitUpdater, refreshed, runOf } from './git-bench.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

/** A program that writes down its arguments, and fails. */
function foreignProgram(): { readonly path: string; readonly ran: () => string } {
  const folder = mkdtempSync(repos.path('foreign-'))
  const [path, marker] = [join(folder, 'foreign.sh'), join(folder, 'ran')]
  writeFileSync(path, `#!/bin/sh\necho "$0 $*" >> '${marker}'\nexit 1\n`)
  chmodSync(path, 0o755)
  return { path, ran: () => (existsSync(marker) ? readFileSync(marker, 'utf8') : '') }
}

test('no program that a repository names is run', async () => {
  const { path, ran } = foreignProgram()
  const program = `'${path}'`
  repos.clone('app.git', 'named', at(137))
  repos.clone('app.git', 'named/sub', at(100))
  repos.write('named', '.git/info/attributes', '*.txt filter=foreign\n*.py filter=lfs\n')
  const settings = {
    'core.fsmonitor': path,
    'core.sshCommand': program,
    'core.alternateRefsCommand': program,
    'core.gitProxy': path,
    'core.editor': program,
    'gc.recentObjectsHook': program,
    'gc.auto': '1',
    'diff.external': path,
    'credential.helper': `!${program}`,
    'filter.foreign.clean': program,
    'filter.foreign.smudge': program,
    'filter.foreign.process': program,
    'filter.foreign.required': 'true',
    'filter.lfs.clean': program,
    'remote.origin.promisor': 'true',
    'submodule.recurse': 'true',
    'commit.gpgSign': 'true',
    'gpg.program': path,
    'hook.foreign.command': program,
    'hook.foreign.event': 'reference-transaction',
  }
  for (const [key, value] of Object.entries(settings)) repos.git('named', 'config', key, value)
  for (const hook of ['post-checkout', 'post-merge', 'reference-transaction', 'post-index-change']) {
    symlinkSync(path, repos.path('named', '.git/hooks', hook))
  }
  repos.write('named/sub', '.git/info/attributes', '* filter=foreign\n')
  repos.git('named/sub', 'config', 'filter.foreign.clean', program)
  repos.write('named/sub', 'file.txt', 'other')
  const updater = gitUpdater(repos.path('named'))
  const status = await refreshed(updater)
  assert.deepEqual([status.is_valid, status.warnings], [true, []], ran())
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(repos.git('named', 'rev-parse', 'HEAD'), at(140))
  appendFileSync(repos.path('named', 'file.txt'), 'changed\n')
  for (const hard of [false, true]) {
    assert.equal((await runOf(run => updater.recover(run, { hard, dependencies: false }))).error, null)
  }
  assert.equal((await refreshed(updater)).is_valid, true)
  assert.equal(repos.git('named', 'config', 'core.sshCommand'), program, 'the settings stay')
  assert.equal(ran(), '')
})

test("a program of the user's own configuration is run, also where the repository names another", async () => {
  const { path, ran } = foreignProgram()
  repos.clone('app.git', 'trusted', at(137))
  repos.git('trusted', 'config', 'remote.origin.url', 'ssh://host.invalid/app.git')
  repos.git('trusted', 'config', 'core.sshCommand', 'false')
  writeFileSync(repos.path('gitconfig'), `[core]\n\tsshCommand = "'${path}'"\n`)
  process.env.GIT_CONFIG_GLOBAL = repos.path('gitconfig')
  try {
    await refreshed(gitUpdater(repos.path('trusted')))
  } finally {
    delete process.env.GIT_CONFIG_GLOBAL
  }
  assert.match(ran(), /host\.invalid/)
})

for (const key of ['filter.a=b.clean', 'remote.origin.uploadpack', 'remote.other.vcs']) {
  test(`a repository with ${key} is not fetched: git offers no way to switch the program off`, async () => {
    const { path, ran } = foreignProgram()
    repos.clone('app.git', key, at(137))
    repos.git(key, 'config', key, path)
    const status = await refreshed(gitUpdater(repos.path(key)))
    assert.equal(status.is_valid, false)
    assert.ok(JSON.stringify(status).includes(`names a program that cannot be switched off: ${key}`))
    assert.equal(ran(), '')
  })
}
