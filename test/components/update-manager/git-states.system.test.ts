// The status of repositories in every state that Moonraker was observed in.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import type { RepoSpec } from '../../../src/components/update-manager/git/status.ts'
import { assertAsRecorded, notCompared, RECORDED } from '../../recordings/update-states.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { gitUpdater, refreshed } from './git-bench.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

/** A clone of the application at a commit, with a change. */
interface Case {
  readonly commit?: number
  readonly spec?: Partial<RepoSpec>
  readonly change?: (repo: string) => void
  /** The fields that differ from those of a repository that is up to date. */
  readonly expected: Readonly<Record<string, unknown>>
}

/** The fields of a repository that is up to date; the others are not compared. */
const UP_TO_DATE = {
  channel: 'dev',
  is_valid: true,
  repo_detected: true,
  remote_alias: 'origin',
  branch: 'master',
  version: 'v2.0.0-alpha.3-10',
  remote_version: 'v2.0.0-alpha.3-10',
  is_dirty: false,
  detached: false,
  commits_behind_count: 0,
  git_messages: [],
  pristine: true,
  corrupt: false,
  warnings: [],
  anomalies: [],
}

/** Nothing but the branch is known. */
const NOTHING = { is_valid: false, remote_alias: '?', branch: '?', version: '?', remote_version: '?' }
const NO_REPO = {
  ...NOTHING,
  repo_detected: false,
  warnings: [
    'No git repo detected at configured path',
    'Failed to detect git branch',
    'Failed to detect repo url',
  ],
}
const NO_BRANCH = ['Failed to detect git branch', 'Failed to detect repo url']
const at138 = { version: 'v2.0.0-alpha.3-8', commits_behind_count: 2 }

const git =
  (...args: string[]) =>
  (repo: string) =>
    void repos.git(repo, ...args)

const cases: Readonly<Record<string, Case>> = {
  'up to date': { expected: {} },
  'three commits behind': { commit: 137, expected: { version: 'v2.0.0-alpha.3-7', commits_behind_count: 3 } },
  '45 commits behind': {
    commit: 95,
    expected: { version: 'v2.0.0-beta.1-15', commits_behind_count: 45 },
  },
  'on a release, with the channel dev': {
    commit: 60,
    expected: { version: 'v1.2.0-0', commits_behind_count: 80 },
  },
  'before the first tag': {
    commit: 3,
    spec: { channel: 'stable' },
    expected: {
      channel: 'stable',
      version: 'v1.2.0-3',
      full_version_string: `v1.2.0-3-g${at(3).slice(0, 8)}-inferred`,
      remote_version: 'v1.3.0-0',
      commits_behind_count: 97,
    },
  },
  'stable, a release is newer': {
    commit: 60,
    spec: { channel: 'stable' },
    expected: {
      channel: 'stable',
      version: 'v1.2.0-0',
      remote_version: 'v1.3.0-0',
      commits_behind_count: 40,
    },
  },
  'stable, on the newest release': {
    commit: 100,
    spec: { channel: 'stable' },
    expected: { channel: 'stable', version: 'v1.3.0-0', remote_version: 'v1.3.0-0' },
  },
  'stable, after the newest release': {
    commit: 120,
    spec: { channel: 'stable' },
    expected: { channel: 'stable', version: 'v1.3.0-20', remote_version: 'v1.3.0-20' },
  },
  'stable, on an alpha': {
    commit: 30,
    spec: { channel: 'stable' },
    expected: {
      channel: 'stable',
      version: 'v1.2.0a1-0',
      remote_version: 'v1.3.0-0',
      commits_behind_count: 70,
    },
  },
  beta: {
    commit: 60,
    spec: { channel: 'beta' },
    expected: { channel: 'beta', version: 'v1.2.0-0', remote_version: 'v1.3.0-0', commits_behind_count: 40 },
  },
  'beta, the nearest tag is not a version': {
    commit: 75,
    spec: { channel: 'beta' },
    expected: { channel: 'beta', version: 'v1.2.0-75', remote_version: 'v1.3.0-0', commits_behind_count: 25 },
  },
  'pinned to a later commit': {
    commit: 60,
    spec: { pin: at(100).slice(0, 10) },
    expected: { version: 'v1.2.0-0', remote_version: 'v1.3.0-0', commits_behind_count: 40 },
  },
  'pinned to this commit': {
    commit: 60,
    spec: { pin: at(60).slice(0, 10) },
    expected: { version: 'v1.2.0-0', remote_version: 'v1.2.0-0' },
  },
  'pinned to an earlier commit': {
    commit: 100,
    spec: { pin: at(60).slice(0, 10) },
    expected: { version: 'v1.3.0-0', remote_version: 'v1.3.0-0' },
  },
  'pinned to an unknown commit': {
    commit: 60,
    spec: { pin: 'deadbeefdeadbeef' },
    expected: {
      version: 'v1.2.0-0',
      remote_version: 'v1.2.0-0',
      git_messages: ['fatal: Not a valid object name deadbeefdeadbeef^{commit}'],
      anomalies: ['Pinned Commit deadbeefdeadbeef does not exist'],
    },
  },
  'changed files': {
    commit: 138,
    change: repo => {
      appendFileSync(repos.path(repo, 'file.txt'), 'changed\n')
      appendFileSync(repos.path(repo, 'other.txt'), 'staged\n')
      repos.git(repo, 'add', 'other.txt')
      rmSync(repos.path(repo, 'src/main.py'))
    },
    expected: {
      ...at138,
      is_valid: false,
      is_dirty: true,
      pristine: false,
      warnings: [
        "Repo is dirty.  Detected the following modified files: ['file.txt', 'other.txt', 'src/main.py']",
      ],
    },
  },
  'staged files': {
    change: repo => {
      appendFileSync(repos.path(repo, 'other.txt'), 'staged\n')
      repos.write(repo, 'new.py', 'n\n')
      repos.git(repo, 'add', 'other.txt', 'new.py')
    },
    expected: {
      is_valid: false,
      is_dirty: true,
      pristine: false,
      warnings: ["Repo is dirty.  Detected the following modified files: ['new.py', 'other.txt']"],
    },
  },
  'untracked files': {
    commit: 139,
    change: repo => {
      for (const file of ['extra.py', 'notes.txt', 'sub/in.c', 'src/a "quoted" name.cpp'])
        repos.write(repo, file, 'x\n')
    },
    expected: {
      version: 'v2.0.0-alpha.3-9',
      commits_behind_count: 1,
      pristine: false,
      anomalies: [`Repo has untracked source files: ['extra.py', 'src/a "quoted" name.cpp', 'sub/in.c']`],
    },
  },
  'detached at a local commit': {
    change: git('checkout', '--quiet', '--detach', 'HEAD~2'),
    expected: { ...NOTHING, detached: true, warnings: [...NO_BRANCH, 'Detached HEAD detected'] },
  },
  'detached at a tag': {
    change: git('checkout', '--quiet', 'v1.3.0'),
    expected: { ...NOTHING, detached: true, warnings: [...NO_BRANCH, 'Detached HEAD detected'] },
  },
  'detached at the remote branch': {
    change: git('checkout', '--quiet', 'origin/master'),
    expected: { is_valid: false, detached: true, warnings: ['Detached HEAD detected'] },
  },
  'detached, with debugging': {
    spec: { debug: true },
    change: git('checkout', '--quiet', 'origin/master'),
    expected: { detached: true, anomalies: ['Detached HEAD detected'] },
  },
  'another branch': {
    change: git('checkout', '--quiet', '-b', 'feature', 'origin/feature'),
    expected: {
      branch: 'feature',
      version: 'v2.0.0-alpha.3-5',
      remote_version: 'v2.0.0-alpha.3-5',
      anomalies: ['Repo not on official remote/branch, expected: origin/master, detected: origin/feature'],
    },
  },
  'a branch without a remote': {
    change: git('checkout', '--quiet', '-b', 'localonly'),
    expected: {
      ...NOTHING,
      branch: 'localonly',
      warnings: ['Failed to detect tracking remote for branch localonly', 'Failed to detect repo url'],
    },
  },
  'another official URL': {
    commit: 138,
    spec: { origin: 'https://github.com/someone/app.git' },
    expected: { ...at138, anomalies: [`Unofficial remote url: ${repos.path('app.git')}`] },
  },
  'without a remote': {
    change: git('remote', 'remove', 'origin'),
    expected: {
      ...NOTHING,
      branch: 'master',
      warnings: ['Failed to detect tracking remote for branch master', 'Failed to detect repo url'],
    },
  },
  'another name of the remote': {
    commit: 138,
    change: repo => {
      repos.git(repo, 'remote', 'rename', 'origin', 'upstream')
      repos.git(repo, 'remote', 'add', 'origin', 'https://github.com/someone/fork.git')
    },
    expected: {
      ...at138,
      remote_alias: 'upstream',
      recovery_url: 'https://github.com/someone/fork.git',
      anomalies: ['Repo not on official remote/branch, expected: origin/master, detected: upstream/master'],
    },
  },
  'another name of the remote, and no origin': {
    commit: 138,
    change: git('remote', 'rename', 'origin', 'upstream'),
    expected: {
      ...at138,
      remote_alias: 'upstream',
      recovery_url: '?',
      anomalies: ['Repo not on official remote/branch, expected: origin/master, detected: upstream/master'],
    },
  },
  'another primary branch': {
    commit: 138,
    spec: { primaryBranch: 'main' },
    expected: {
      ...at138,
      anomalies: ['Repo not on official remote/branch, expected: origin/main, detected: origin/master'],
    },
  },
  'a remote that does not answer': {
    commit: 138,
    change: git('remote', 'set-url', 'origin', '/nowhere/gone.git'),
    expected: {
      ...NOTHING,
      remote_alias: 'origin',
      branch: 'master',
      owner: '?',
      recovery_url: '/nowhere/gone.git',
      current_hash: '?',
    },
  },
  'a remote branch that is gone': {
    change: repo => {
      repos.git(repo, 'checkout', '--quiet', '-b', 'gonebranch')
      repos.git(repo, 'config', 'branch.gonebranch.remote', 'origin')
    },
    expected: {
      ...NOTHING,
      remote_alias: 'origin',
      branch: 'gonebranch',
      current_hash: at(140),
      git_messages: ['fatal: Not a valid object name origin/gonebranch'],
      anomalies: ['Repo not on official remote/branch, expected: origin/master, detected: origin/gonebranch'],
    },
  },
  diverged: {
    commit: 130,
    change: repo => void repos.commit(repo, 'local'),
    expected: {
      is_valid: false,
      version: 'v2.0.0-alpha.3-1',
      commits_behind_count: 10,
      anomalies: ['Repo has diverged from remote'],
    },
  },
  'local commits only': {
    change: repo => void repos.commit(repo, 'local'),
    expected: { is_valid: false, version: 'v2.0.0-alpha.3-11', anomalies: ['Repo has diverged from remote'] },
  },
  'a merge with conflicts': {
    commit: 135,
    change: repo => {
      repos.commit(repo, 'local')
      assert.throws(() => repos.git(repo, 'merge', '--quiet', 'origin/master'))
    },
    expected: {
      is_valid: false,
      version: 'v2.0.0-alpha.3-6',
      commits_behind_count: 5,
      is_dirty: true,
      pristine: false,
      warnings: ["Repo is dirty.  Detected the following modified files: ['file.txt']"],
      anomalies: ['Repo has diverged from remote'],
    },
  },
  'an unfinished rebase': {
    commit: 135,
    change: repo => {
      repos.commit(repo, 'local')
      assert.throws(() => repos.git(repo, 'rebase', '--quiet', 'origin/master'))
    },
    expected: { ...NOTHING, detached: true, warnings: [...NO_BRANCH, 'Detached HEAD detected'] },
  },
  'an empty commit object': {
    commit: 139,
    change: repo => repos.damage(repo, 'HEAD', ''),
    expected: { ...NO_REPO, corrupt: true, warnings: [NO_REPO.warnings[0], 'Repo is corrupt', ...NO_BRANCH] },
  },
  'a damaged commit object': {
    commit: 139,
    change: repo => repos.damage(repo, 'HEAD', 'garbagegarbage\n'),
    expected: { ...NO_REPO, corrupt: true, warnings: [NO_REPO.warnings[0], 'Repo is corrupt', ...NO_BRANCH] },
  },
  'a damaged tree object': {
    commit: 139,
    change: repo => repos.damage(repo, 'HEAD^{tree}', 'garbage'),
    expected: { ...NO_REPO, corrupt: true, warnings: [NO_REPO.warnings[0], 'Repo is corrupt', ...NO_BRANCH] },
  },
  'a damaged object of an old commit': {
    commit: 139,
    change: repo => repos.damage(repo, 'HEAD~50:file.txt', 'garbage'),
    expected: { version: 'v2.0.0-alpha.3-9', commits_behind_count: 1 },
  },
  'a broken HEAD': { change: repo => repos.write(repo, '.git/HEAD', 'garbage\n'), expected: NO_REPO },
  'without references': {
    change: repo => {
      rmSync(repos.path(repo, '.git/refs'), { recursive: true })
      rmSync(repos.path(repo, '.git/packed-refs'))
    },
    expected: NO_REPO,
  },
}

for (const [title, { commit, spec, change, expected }] of Object.entries(cases))
  test(title, async () => {
    const repo = title.replaceAll(/\W/g, '_')
    repos.clone('app.git', repo, commit === undefined ? undefined : at(commit))
    change?.(repo)
    const status = await refreshed(gitUpdater(repos.path(repo), spec))
    const wanted: Record<string, unknown> = { ...UP_TO_DATE, ...expected }
    // Texts of git differ by version, unless the case names them.
    if (expected.git_messages === undefined && wanted.is_valid === false) delete wanted.git_messages
    const compared = Object.fromEntries(Object.keys(wanted).map(key => [key, status[key]]))
    assert.deepEqual(compared, wanted)
    assert.equal(status.rollback_version, status.version)
    const recorded = RECORDED[title]
    if (recorded !== undefined) assertAsRecorded(recorded.name, status, recorded.improved)
  })

test('a folder without a repository', async () => {
  for (const [name, content, recorded] of [
    ['empty', null, 'emptydir'],
    ['files', 'a.py', 'notrepo'],
    ['file', '.git', 'badgitfile'],
  ] as const) {
    mkdirSync(repos.path(name))
    if (content !== null) writeFileSync(repos.path(name, content), 'hello\n')
    const status = await refreshed(gitUpdater(repos.path(name)))
    assert.deepEqual([status.repo_detected, status.warnings], [false, NO_REPO.warnings])
    assert.equal(status.is_valid, false)
    assertAsRecorded(recorded, status)
  }
})

test('every recorded state is compared', () => {
  assert.deepEqual(notCompared(), [])
})
