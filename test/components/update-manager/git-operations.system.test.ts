// Updates, rollbacks and recoveries of repositories: the messages are Moonraker's, and nothing is lost.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, rmSync, symlinkSync } from 'node:fs'
import { after, type TestContext, test } from 'node:test'
import type { UpdateRun } from '../../../src/components/update-manager/updater.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { gitUpdater, refreshed, runOf } from './git-bench.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

/** A clone of the application at a commit, with its updater after a refresh. */
async function opened(repo: string, commit: number, change?: () => void) {
  repos.clone('app.git', repo, at(commit))
  change?.()
  const updater = gitUpdater(repos.path(repo))
  await refreshed(updater)
  return updater
}

const head = (repo: string) => repos.git(repo, 'rev-parse', 'HEAD')
const branches = (repo: string) =>
  repos
    .git(repo, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/saved-by-update-manager')
    .split('\n')
const soft = { hard: false, dependencies: false }
const hard = { hard: true, dependencies: false }
/** The commit before the last update, which a reference keeps. */
const snapshots = (repo: string) =>
  repos.git(repo, 'for-each-ref', '--format=%(objectname)', 'refs/update-manager')

test('an update moves forward, and a rollback returns', async () => {
  const updater = await opened('forward', 137)
  const { lines, error, noted } = await runOf(run => updater.update(run))
  assert.equal(error, null)
  assert.deepEqual(lines, [
    'Updating Application app...',
    'Git Repo app: Updating Repo...',
    `Updating ${at(137).slice(0, 7)}..${at(140).slice(0, 7)}`,
    'Fast-forward',
    'file.txt | 3 +++',
    '1 file changed, 3 insertions(+)',
    'Git Repo app: restart',
    '*Git Repo app: Update Finished...',
  ])
  assert.deepEqual(noted, { from: at(137), to: at(140), isUpdate: true })
  assert.equal(head('forward'), at(140))
  assert.equal(snapshots('forward'), at(137))
  const status = updater.status() as Record<string, unknown>
  assert.deepEqual([status.version, status.rollback_version], ['v2.0.0-alpha.3-10', 'v2.0.0-alpha.3-7'])
  assert.deepEqual((await runOf(run => updater.update(run))).lines, [])
  const back = await runOf(run => updater.rollback(run))
  assert.deepEqual(back.lines, ['Git Repo app: restart', '*Git Repo app: Rollback Complete'])
  assert.equal(head('forward'), at(137))
  assert.equal(repos.git('forward', 'branch', '--show-current'), 'master')
  const again = await runOf(run => updater.rollback(run))
  assert.deepEqual(again.lines, ['*Git Repo app: Rollback not performed'])
})

/** Another process, which has the lock of a repository as a second server that updates it. */
async function lockElsewhere(t: TestContext, repo: string) {
  const module = new URL('../../../src/components/update-manager/git/locks.ts', import.meta.url)
  const hold = `withServerLock(process.argv[1], () => new Promise(() => console.log('locked')))`
  const program = `const { withServerLock } = await import('${module.href}'); process.stdin.resume(); ${hold}`
  const args = ['--input-type=module', '-e', program, repos.path(repo)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

test('two servers do not change a repository at the same time', async t => {
  const updater = await opened('shared', 137)
  const end = await lockElsewhere(t, 'shared')
  const refusal = 'Another server updates this repository; try again when it has finished'
  for (const operation of [
    () => runOf(run => updater.update(run)),
    () => runOf(run => updater.recover(run, soft)),
    () => runOf(run => updater.recover(run, hard)),
  ]) {
    const { lines, error } = await operation()
    assert.deepEqual([lines, error], [[], refusal])
  }
  assert.equal(head('shared'), at(137))
  await end()
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(head('shared'), at(140))
  const endSecond = await lockElsewhere(t, 'shared')
  assert.equal((await runOf(run => updater.rollback(run))).error, refusal)
  await endSecond()
  assert.equal((await runOf(run => updater.rollback(run))).error, null)
  assert.equal(head('shared'), at(137))
})

test('the stable channel moves to the release, not to the newest commit', async () => {
  repos.clone('app.git', 'release', at(60))
  const updater = gitUpdater(repos.path('release'), { channel: 'stable' })
  await refreshed(updater)
  await runOf(run => updater.update(run))
  assert.equal(head('release'), at(100))
})

test('an invalid repository is not updated', async () => {
  const updater = await opened('invalid', 138, () => appendFileSync(repos.path('invalid', 'file.txt'), 'x'))
  const { lines, error } = await runOf(run => updater.update(run))
  assert.deepEqual([lines, error], [[], 'Update aborted, repo not valid'])
})

test('a file that was changed after the refresh is not touched', async () => {
  const updater = await opened('edited', 137)
  appendFileSync(repos.path('edited', 'file.txt'), 'mine\n')
  const { error } = await runOf(run => updater.update(run))
  assert.equal(error, 'Update aborted, repo has been modified')
  assert.match(repos.read('edited', 'file.txt'), /mine\n$/)
  assert.equal(head('edited'), at(137))
  assert.equal((updater.status() as Record<string, unknown>).is_dirty, true)
})

test('an untracked file that is in the way stays, and the update fails', async () => {
  repos.create('growing')
  repos.commit('growing', 'one')
  repos.publish('growing', 'growing.git')
  repos.clone('growing.git', 'grown')
  const updater = gitUpdater(repos.path('grown'))
  repos.write('growing', 'new.txt', 'theirs\n')
  repos.commit('growing', 'two')
  repos.git('growing', 'push', '--quiet', repos.path('growing.git'), 'master')
  repos.write('grown', 'new.txt', 'mine\n')
  await refreshed(updater)
  const { lines, error } = await runOf(run => updater.update(run))
  assert.match(error ?? '', /^Git Command 'merge --ff-only --stat [0-9a-f]{40}' failed$/)
  assert.ok(lines.some(line => line.includes('would be overwritten')))
  assert.equal(repos.read('grown', 'new.txt'), 'mine\n')
})

test('local commits are kept in a branch when the remote has other ones', async () => {
  const updater = await opened('parted', 130)
  const local = repos.commit('parted', 'local work')
  const { lines, error } = await runOf(run => updater.update(run))
  assert.equal(error, null)
  const [branch = ''] = branches('parted')
  assert.deepEqual(lines.slice(2), [
    'Git Repo app: Repo has diverged, attempting git reset',
    `Git Repo app: Local changes that are not in origin/master are kept in the branch ${branch}`,
    'Git Repo app: restart',
    '*Git Repo app: Update Finished...',
  ])
  assert.equal(head('parted'), at(140))
  assert.equal(repos.git('parted', 'rev-parse', branch), local)
})

test('an unreachable remote fails the update with the output of git', async () => {
  const updater = await opened('unreachable', 138)
  repos.git('unreachable', 'remote', 'set-url', 'origin', '/nowhere/gone.git')
  const { lines, error } = await runOf(run => updater.update(run))
  assert.equal(error, "Git Command 'fetch origin --prune --progress' failed")
  assert.ok(lines.some(line => line.includes("'/nowhere/gone.git' does not appear to be a git repository")))
})

test('a lock of a process that has ended is removed', async () => {
  const updater = await opened('locked', 138)
  for (const lock of ['index.lock', 'ORIG_HEAD.lock', 'refs/heads/master.lock'])
    repos.write('locked', `.git/${lock}`, '')
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(head('locked'), at(140))
})

test('a damaged object is repaired during an update', async () => {
  const updater = await opened('repaired', 138)
  repos.damage('repaired', 'HEAD:file.txt', '')
  repos.damage('repaired', 'HEAD^{tree}', 'garbage')
  const { lines, error } = await runOf(run => updater.update(run))
  assert.equal(error, null, lines.join('\n'))
  assert.ok(lines.includes('Attempting to repair loose objects...'))
  assert.equal(head('repaired'), at(140))
})

for (const [object, content] of [
  ['HEAD', ''],
  ['HEAD', 'garbage'],
  ['HEAD^{tree}', ''],
] as const)
  test(`the soft recovery repairs ${object} with the content '${content}'`, async () => {
    const repo = `soft-${object.length}-${content}`
    repos.clone('app.git', repo, at(138))
    const updater = gitUpdater(repos.path(repo))
    await refreshed(updater)
    repos.damage(repo, object, content)
    assert.equal((await refreshed(updater)).corrupt, true)
    const { error, lines } = await runOf(run => updater.recover(run, soft))
    assert.equal(error, null, lines.join('\n'))
    assert.equal((updater.status() as Record<string, unknown>).is_valid, true)
    assert.equal(repos.git(repo, 'status', '--porcelain'), '')
  })

test('the soft recovery repairs a repository that was never read whole', async () => {
  const updater = await opened('unread', 138, () => repos.damage('unread', 'HEAD', ''))
  const { error, lines } = await runOf(run => updater.recover(run, soft))
  assert.equal(error, null, lines.join('\n'))
  assert.equal(repos.git('unread', 'status', '--porcelain'), '')
})

test('the soft recovery keeps changed files and local commits in a branch', async () => {
  const updater = await opened('messy', 135, () => {
    repos.commit('messy', 'local work')
    appendFileSync(repos.path('messy', 'other.txt'), 'changed\n')
    rmSync(repos.path('messy', 'src/main.py'))
    repos.write('messy', 'mine.txt', 'untracked\n')
  })
  const { lines, error } = await runOf(run => updater.recover(run, soft))
  assert.equal(error, null)
  const [branch = ''] = branches('messy')
  assert.deepEqual(lines, [
    'Git Repo app: Attempting Repo Recovery...',
    'Git Repo app: Resetting Git Repo...',
    `Git Repo app: Local changes that are not in origin/master are kept in the branch ${branch}`,
    'Git Repo app: restart',
    '*Git Repo app: Reinstall Complete',
  ])
  assert.equal(head('messy'), at(140))
  assert.equal(repos.git('messy', 'show', `${branch}:other.txt`), 'x\nchanged')
  assert.equal(repos.git('messy', 'log', '-1', '--format=%s', `${branch}~1`), 'local work')
  assert.throws(() => repos.git('messy', 'show', `${branch}:src/main.py`))
  assert.equal(repos.read('messy', 'mine.txt'), 'untracked\n')
})

test('the soft recovery keeps the version where it is published', async () => {
  const updater = await opened('kept', 138, () => appendFileSync(repos.path('kept', 'other.txt'), 'x'))
  await runOf(run => updater.recover(run, soft))
  assert.equal(head('kept'), at(138))
})

for (const state of ['merge', 'rebase'] as const)
  test(`the soft recovery ends an unfinished ${state}`, async () => {
    const repo = `unfinished-${state}`
    repos.clone('app.git', repo, at(135))
    const updater = gitUpdater(repos.path(repo))
    await refreshed(updater)
    const local = repos.commit(repo, 'local')
    assert.throws(() => repos.git(repo, state, '--quiet', 'origin/master'))
    await refreshed(updater)
    const { error, lines } = await runOf(run => updater.recover(run, soft))
    assert.equal(error, null, lines.join('\n'))
    assert.equal(head(repo), at(140))
    const containing = repos.git(repo, 'branch', '--list', 'saved-by-update-manager/*', '--contains', local)
    assert.notEqual(containing, '')
  })

test('the soft recovery on another branch does not move the primary branch', async () => {
  const updater = await opened('elsewhere', 138, () =>
    repos.git('elsewhere', 'checkout', '--quiet', '-b', 'feature', 'origin/feature'),
  )
  const { error } = await runOf(run => updater.recover(run, soft))
  assert.equal(error, null)
  assert.deepEqual(
    [repos.git('elsewhere', 'branch', '--show-current'), head('elsewhere')],
    ['master', at(138)],
  )
})

test('the soft recovery is refused without a repository or a remote', async () => {
  repos.create('bare')
  rmSync(repos.path('bare', '.git'), { recursive: true })
  const bare = gitUpdater(repos.path('bare'))
  await refreshed(bare)
  assert.equal((await runOf(run => bare.recover(run, soft))).error, 'Git Repo app: repo not initialized')
  assert.equal(
    (await runOf(run => bare.recover(run, hard))).error,
    'Recovery url has not been detected, clone aborted',
  )
  const lonely = await opened('lonely', 138, () => repos.git('lonely', 'remote', 'remove', 'origin'))
  const { error } = await runOf(run => lonely.recover(run, soft))
  assert.equal(error, "Failed to find remote for primary branch 'master'")
})

test('the hard recovery keeps settings, untracked files and the version', async () => {
  const updater = await opened('cloned', 138, () => {
    repos.git('cloned', 'config', 'user.name', 'Ann with settings')
    repos.write('cloned', 'deep/mine.txt', 'untracked\n')
    symlinkSync('file.txt', repos.path('cloned', 'link'))
    appendFileSync(repos.path('cloned', 'other.txt'), 'changed\n')
  })
  const { lines, error } = await runOf(run => updater.recover(run, hard))
  assert.equal(error, null, lines.join('\n'))
  assert.deepEqual(lines, [
    'Git Repo app: Attempting Repo Recovery...',
    'Git Repo app: Starting Clone Recovery...',
    `Cloning into '${repos.path('.cloned_repo_backup')}'...`,
    'done.',
    'Git Repo app: Git Clone Complete',
    `Git Repo app: Moving HEAD to previous commit ${at(138)}`,
    `Git Repo app: The previous folder is kept as ${repos.path('.cloned_before_recovery')}`,
    'Git Repo app: restart',
    '*Git Repo app: Reinstall Complete',
  ])
  assert.equal(repos.git('cloned', 'config', 'user.name'), 'Ann with settings')
  assert.equal(repos.read('cloned', 'deep/mine.txt'), 'untracked\n')
  assert.equal(repos.git('cloned', 'status', '--porcelain'), '?? deep/\n?? link')
  assert.equal(repos.git('cloned', 'fsck', '--no-dangling'), '')
  assert.match(repos.read('.cloned_before_recovery', 'other.txt'), /changed\n$/)
  assert.equal(existsSync(repos.path('.cloned_repo_backup')), false)
})

test('the hard recovery works where git accepts nothing of the folder', async () => {
  const updater = await opened('headless', 138)
  repos.write('headless', '.git/HEAD', 'garbage\n')
  assert.equal((await refreshed(updater)).repo_detected, false)
  const { lines, error } = await runOf(run => updater.recover(run, hard))
  assert.equal(error, null, lines.join('\n'))
  assert.equal(head('headless'), at(140))
})

test('a worktree of another repository is not cloned', async () => {
  await opened('main-tree', 138, () =>
    repos.git('main-tree', 'worktree', 'add', '--quiet', '-b', 'linked', repos.path('linked-tree'), 'HEAD'),
  )
  const updater = gitUpdater(repos.path('linked-tree'))
  await refreshed(updater)
  const { error } = await runOf(run => updater.recover(run, hard))
  assert.equal(error, 'Cannot clone git repo app, it is a worktree of another git repo.')
})

test('a path with blanks, quotes, a line end and special characters', async () => {
  const name = `a "b" 'c'\n$(d) -e ü`
  const updater = await opened(name, 137)
  for (const [operation, commit] of [
    [(run: UpdateRun) => updater.update(run), 140],
    [(run: UpdateRun) => updater.rollback(run), 137],
    [(run: UpdateRun) => updater.recover(run, hard), 137],
    [(run: UpdateRun) => updater.recover(run, soft), 137],
  ] as const) {
    assert.equal((await runOf(operation)).error, null)
    assert.equal(head(name), at(commit))
  }
})

test('a clone without blobs is updated, and becomes complete by the hard recovery', async () => {
  repos.clone('app.git', 'partial', at(137), '--filter=blob:none')
  const updater = gitUpdater(repos.path('partial'))
  await refreshed(updater)
  const missing = () => repos.git('partial', 'rev-list', '--objects', '--missing=print', 'HEAD').match(/^\?/m)
  assert.ok(missing())
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(head('partial'), at(140))
  assert.equal((await runOf(run => updater.rollback(run))).error, null)
  assert.equal(head('partial'), at(137))
  assert.equal((await runOf(run => updater.recover(run, hard))).error, null)
  assert.equal(missing(), null)
})

test('a shallow clone is updated, and stays shallow', async () => {
  repos.clone('app.git', 'flat', 'HEAD~1', '--depth', '3')
  const updater = gitUpdater(repos.path('flat'))
  await refreshed(updater)
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(head('flat'), at(140))
  assert.equal(repos.git('flat', 'rev-parse', '--is-shallow-repository'), 'true')
  assert.equal((await runOf(run => updater.rollback(run))).error, null)
  assert.equal(head('flat'), at(139))
})

test('a submodule of another repository is not cloned', async () => {
  repos.create('super')
  repos.git('super', 'submodule', '--quiet', 'add', repos.path('app.git'), 'part')
  const updater = gitUpdater(repos.path('super', 'part'))
  await refreshed(updater)
  const { error } = await runOf(run => updater.recover(run, hard))
  assert.equal(error, 'Cannot clone git repo app, it is a worktree of another git repo.')
})

test('a clone that fails leaves the repository', async () => {
  const updater = await opened('unclonable', 138, () =>
    repos.git('unclonable', 'remote', 'set-url', 'origin', '/nowhere/gone.git'),
  )
  const { lines, error } = await runOf(run => updater.recover(run, hard))
  assert.equal(error, 'Git Clone Error')
  assert.equal(lines.at(-1), 'Git Repo app: Git Clone Failed')
  assert.equal(head('unclonable'), at(138))
})
