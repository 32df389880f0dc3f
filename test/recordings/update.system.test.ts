// The recorded updates, rollbacks and recoveries of repositories, in their order: replies and messages.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import {
  absentRecording,
  comparable,
  loadUpdates,
  refresh,
  replay,
  updatesByName,
} from './update-recording.ts'
import { APP, RecordedRepos } from './update-repos.ts'

const RECORDING = 'upd_git_ops'

/** Those that need services, packages, or another update at the same time: below, and in update-system.test.ts. */
const NOT_REPLAYED = /_(system|managed_klipper|slow|deps_all|deps)$|^busy_/

/** What happens to a repository before a request. */
const BEFORE: Readonly<Record<string, (repos: GitRepos) => void>> = {
  update_diverged_since_refresh: repos => void repos.commit('behind45', 'local'),
  update_pull_corrupt: repos => repos.damage('behind120', 'HEAD:file.txt', ''),
  // The recorded update had failed.
  refresh_after_corrupt: repos => repos.git('behind120', 'reset', '--quiet', '--hard', 'HEAD~120'),
  recover_hard_clone_fails: repos =>
    repos.git('uptodate', 'remote', 'set-url', 'origin', '/nowhere/gone.git'),
}

/** What is better than recorded. */
const IMPROVED: Readonly<Record<string, string>> = {
  update_stable_channel: 'fetches once',
  update_pinned: 'fetches once',
  update_diverged_since_refresh: 'names the branch with the local commits',
  update_pull_corrupt: 'fetches the damaged objects',
  recover_soft_diverged: 'names the branch with the local commits',
  recover_soft_mergeconflict: 'works',
  recover_soft_rebasing: 'works',
  recover_soft_corruptgarbage: 'fetches the damaged objects',
  recover_hard_untracked: 'names the previous folder',
  recover_hard_wrongbranch: 'works',
  recover_hard_pinahead: 'works',
}

/** What a state does not have because of that. */
const IMPROVED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  refresh_after_corrupt: ['warnings'],
}

type Change = (repo: string) => void

/** The repositories of the recording, by the numbers of their commits and what was changed. */
function states(repos: GitRepos): Readonly<Record<string, readonly [commit: number, change?: Change]>> {
  const git =
    (...args: string[]): Change =>
    repo =>
      void repos.git(repo, ...args)
  const unfinished =
    (...args: string[]): Change =>
    repo => {
      repos.commit(repo, 'local')
      assert.throws(() => repos.git(repo, ...args, 'origin/master'))
    }
  return {
    gitapp: [137],
    uptodate: [140],
    behind45: [95],
    behind120: [20],
    dirty: [138, repo => repos.write(repo, 'file.txt', 'changed\n')],
    stable60: [60],
    pinahead: [60],
    wrongbranch: [140, git('checkout', '--quiet', '-b', 'feature', 'origin/feature')],
    untracked: [139, repo => repos.write(repo, 'extra.py', 'x\n')],
    detachedremote: [135, git('checkout', '--quiet', 'origin/master')],
    detachedlocal: [140, git('checkout', '--quiet', '--detach', 'HEAD~2')],
    diverged: [130, repo => void repos.commit(repo, 'local')],
    mergeconflict: [135, unfinished('merge', '--quiet')],
    rebasing: [135, unfinished('rebase', '--quiet')],
    corruptgarbage: [139, repo => repos.damage(repo, 'HEAD', 'garbage')],
    noremote: [140, git('remote', 'remove', 'origin')],
    aliasnoorigin: [138, git('remote', 'rename', 'origin', 'upstream')],
    wtmain: [138, git('worktree', 'add', '--quiet', '-b', 'wtb', '../worktree')],
  }
}

/** A server with an entry for each repository. */
async function start(repos: GitRepos) {
  const at = publishApp(repos)
  const all = states(repos)
  for (const [name, [commit, change]] of Object.entries(all)) {
    repos.clone('app.git', name, at(commit))
    change?.(name)
  }
  mkdirSync(repos.path('emptydir'))
  const more: Readonly<Record<string, string>> = {
    stable60: 'channel: stable\n',
    pinahead: `pinned_commit: ${at(100).slice(0, 10)}\n`,
  }
  const sections = [...Object.keys(all), 'worktree', 'emptydir'].map(
    name =>
      `[update_manager ${name}]\ntype: git_repo\nis_system_service: False\n${more[name] ?? ''}` +
      `path: ${repos.path(name)}\norigin: ${repos.path('app.git')}\n`,
  )
  const conf = `[update_manager]\nenable_system_updates: False\n${sections.join('')}`
  const server = await RestartableServer.start({ conf })
  const client = await server.client()
  await refresh(client)
  return { server, client }
}

test('requests during an update are answered as recorded', { skip: absentRecording(RECORDING) }, async t => {
  await using repos = await RecordedRepos.start()
  repos.clone(APP, 'behind120', repos.at(20))
  repos.clone(APP, 'uptodate')
  const sections = ['behind120', 'uptodate'].map(name => repos.section(APP, name))
  await using server = await RestartableServer.start({ conf: repos.general() + sections.join('') })
  const client = await server.client()
  await refresh(client)
  const [reached, released] = [Promise.withResolvers<null>(), Promise.withResolvers<null>()]
  repos.server.failure = () => {
    reached.resolve(null)
    return released.promise
  }
  const before = client.frames.length
  const update = client.call('machine.update.client', { name: 'behind120' })
  await reached.promise
  // It waits for the update.
  const recovery = client.call('machine.update.recover', { name: 'uptodate' })
  for (const recorded of loadUpdates(RECORDING))
    if (recorded.name.startsWith('busy_')) await replay(t, client, recorded)
  released.resolve(null)
  const [reply] = await Promise.all([update, recovery])
  const { response, notes } = updatesByName(RECORDING)('update_slow')
  assert.deepEqual(comparable(reply, client.frames.slice(before)), comparable(response, notes))
})

test('repositories are updated and recovered as recorded', { skip: absentRecording(RECORDING) }, async t => {
  using repos = new GitRepos()
  const { server, client } = await start(repos)
  await using _ = server
  for (const recorded of loadUpdates(RECORDING)) {
    const { name } = recorded
    if (NOT_REPLAYED.test(name)) continue
    BEFORE[name]?.(repos)
    await replay(t, client, recorded, IMPROVED[name], IMPROVED_FIELDS[name])
  }
})
