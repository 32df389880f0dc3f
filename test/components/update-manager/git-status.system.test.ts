// What the status of a repository contains, beyond its states: commits, versions of clones without tags, stored state.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, test } from 'node:test'
import { assertAsRecorded } from '../../recordings/update-states.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { gitUpdater, refreshed, runOf } from './git-bench.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

test('a repository without a commit', async () => {
  repos.create('fresh')
  const status = await refreshed(gitUpdater(repos.path('fresh')))
  assert.deepEqual(
    [status.repo_detected, status.warnings],
    [true, ['Failed to detect git branch', 'Failed to detect repo url']],
  )
  assertAsRecorded('nocommits', status)
})

test('a shallow clone stays shallow, and its version is inferred', async () => {
  repos.clone('app.git', 'shallow', undefined, '--depth', '2')
  const status = await refreshed(gitUpdater(repos.path('shallow')))
  assert.deepEqual([status.is_valid, status.version, status.remote_version], [true, 'v0.0.0-2', 'v0.0.0-2'])
  assertAsRecorded('shallow', status)
  assert.equal(repos.git('shallow', 'rev-list', '--count', 'HEAD'), '2')
})

test('a repository without tags', async () => {
  repos.create('untagged')
  for (const number of [1, 2, 3, 4, 5, 6]) repos.commit('untagged', `nt ${number}`)
  repos.publish('untagged', 'untagged.git')
  repos.clone('untagged.git', 'old', 'HEAD~2')
  const status = await refreshed(gitUpdater(repos.path('old')))
  assert.deepEqual([status.version, status.remote_version], ['v0.0.0-4', 'v0.0.0-6'])
  assert.equal(status.full_version_string, `v0.0.0-4-g${String(status.current_hash).slice(0, 8)}-inferred`)
  assertAsRecorded('notags', status)
  repos.clone('untagged.git', 'changed')
  repos.write('changed', 'file.txt', 'changed\n')
  assertAsRecorded('notagsdirty', await refreshed(gitUpdater(repos.path('changed'))))
})

test('a repository whose only version is after the present commit', async () => {
  repos.create('odd', 'main')
  for (const number of [1, 2, 3, 4, 5, 6]) {
    repos.commit('odd', `ot ${number}`)
    if (number === 4) repos.tag('odd', 'release-3')
    if (number === 5) repos.tag('odd', 'v0.5.0')
  }
  repos.publish('odd', 'odd.git')
  repos.clone('odd.git', 'before', 'HEAD~3')
  const status = await refreshed(gitUpdater(repos.path('before'), { primaryBranch: 'main' }))
  assert.deepEqual([status.version, status.remote_version], ['v0.4.0-3', 'v0.5.0-1'])
  assertAsRecorded('oddtags', status)
})

test('a repository and its worktree', async () => {
  repos.clone('app.git', 'trunk', at(138))
  repos.git('trunk', 'worktree', 'add', '--quiet', '-b', 'wtb', '../worktree', 'HEAD')
  repos.git('trunk', 'config', 'branch.wtb.remote', 'origin')
  repos.git('trunk', 'config', 'branch.wtb.merge', 'refs/heads/master')
  assertAsRecorded('wtmain', await refreshed(gitUpdater(repos.path('trunk'))))
  const status = await refreshed(gitUpdater(repos.path('worktree')))
  assert.deepEqual([status.repo_detected, status.branch, status.current_hash], [true, 'wtb', at(138)])
  // One command finds it out, and runs once.
  assertAsRecorded('worktree', status, ['git_messages'])
})

test('names with line ends, quotes and special characters', async () => {
  const names = ['two\nlines.py', 'quote".py', "it's.py", 'Drück.py', ' blank .py']
  repos.clone('app.git', 'names')
  for (const name of names) repos.write('names', name, 'x\n')
  const updater = gitUpdater(repos.path('names'))
  const { anomalies } = await refreshed(updater)
  const [listed = ''] = anomalies as string[]
  assert.match(listed, /^Repo has untracked source files: \[/)
  for (const shown of ['two\\nlines.py', 'quote".py', "it's.py", 'Drück.py', ' blank .py'])
    assert.ok(listed.includes(shown), listed)
  repos.git('names', 'add', '--all')
  const { warnings } = await refreshed(updater)
  assert.match(String(warnings), /modified files: .*two\\nlines\.py/)
})

test('a folder of another user', {
  skip: process.geteuid?.() !== 0 && 'only root can make one',
}, async () => {
  repos.clone('app.git', 'foreign', at(138))
  execFileSync('chown', ['-R', '65534:65534', repos.path('foreign')])
  const updater = gitUpdater(repos.path('foreign'))
  const status = await refreshed(updater)
  assert.equal(status.is_valid, false)
  assert.match(String(status.git_messages), /dubious ownership/)
  const { error } = await runOf(run => updater.update(run))
  assert.equal(error, 'Update aborted, repo not valid')
})

test('the commits that an update adds: the newest 30, and later ones with a tag', async () => {
  repos.clone('app.git', 'far', at(20))
  const status = await refreshed(gitUpdater(repos.path('far')))
  const commits = status.commits_behind as {
    subject: string
    message: string
    tag: string | null
    date: string
  }[]
  assert.equal(status.commits_behind_count, 120)
  assertAsRecorded('behind120', status)
  assert.equal(commits.length, 35)
  assert.deepEqual(commits[0], {
    sha: at(140),
    author: 'Ann',
    date: String(1_700_000_000 + 140 * 60),
    subject: 'commit number 140',
    message: 'Body line one of 140\nline two: with colon',
    tag: null,
  })
  assert.deepEqual(
    commits.flatMap(({ tag }) => tag ?? []),
    ['v2.0.0-alpha.3', 'v1.3.0', 'v2.0.0-beta.1', 'not-a-version', 'v1.2.0', 'v1.2.0rc1'],
  )
})

test('the remote is not reachable: what was known remains', async () => {
  repos.clone('app.git', 'offline', at(138))
  const updater = gitUpdater(repos.path('offline'))
  await refreshed(updater)
  repos.git('offline', 'remote', 'set-url', 'origin', '/nowhere/gone.git')
  const status = await refreshed(updater)
  assert.deepEqual(
    [status.is_valid, status.version, status.remote_version],
    [true, 'v2.0.0-alpha.3-8', 'v2.0.0-alpha.3-10'],
  )
  assert.equal((status.git_messages as string[]).length, 1)
})

test('the state survives a restart', async () => {
  repos.clone('app.git', 'stored', at(95))
  const updater = gitUpdater(repos.path('stored'))
  const status = await refreshed(updater)
  const next = gitUpdater(repos.path('stored'))
  next.restore(JSON.parse(JSON.stringify(updater.stored())))
  assert.deepEqual(next.status(), status)
  const garbage = gitUpdater(repos.path('stored'))
  garbage.restore({ git_branch: 5, commits_behind: [1, { sha: 'a' }], current_version: null })
  assert.equal((garbage.status() as Record<string, unknown>).branch, '?')
})

test('thousands of untracked files do not fill the status', async () => {
  repos.clone('app.git', 'crowded')
  for (let number = 0; number < 300; number += 1) repos.write('crowded', `env/lib/module${number}.py`, '')
  const { anomalies } = await refreshed(gitUpdater(repos.path('crowded')))
  const [text = ''] = anomalies as string[]
  assert.equal(text.split(', ').length, 50)
})
