// The recorded updates, rollbacks and recoveries of repositories, in their order: replies and messages.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { test } from 'node:test'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { absentRecording, loadUpdates, replay } from './update-recording.ts'

const RECORDING = 'upd_git_ops'

/** The operations that need nothing but git: no services, packages, or programs that fail on purpose. */
const REPLAYED =
  /^(update_(upgrade_unknown|dirty|emptydir|stable|pinned|wrongbranch|untracked)|rollback_(again|unknown|no_name|incomplete)|recover_(unknown|no_name|soft|hard))/
const NOT_REPLAYED = ['recover_hard_clone_fails']

/** What is better than recorded. */
const IMPROVED: Readonly<Record<string, string>> = {
  update_stable_channel: 'fetches once',
  update_pinned: 'fetches once',
  recover_soft_diverged: 'names the branch with the local commits',
  recover_soft_mergeconflict: 'works',
  recover_soft_rebasing: 'works',
  recover_soft_corruptgarbage: 'fetches the damaged objects',
  recover_hard_untracked: 'names the previous folder',
  recover_hard_wrongbranch: 'works',
  recover_hard_pinahead: 'works',
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
  const { error } = await client.call('machine.update.refresh')
  if (error !== undefined) await client.notified('notify_update_refreshed')
  return { server, client }
}

test('repositories are updated and recovered as recorded', { skip: absentRecording(RECORDING) }, async t => {
  using repos = new GitRepos()
  const { server, client } = await start(repos)
  await using _ = server
  for (const recorded of loadUpdates(RECORDING)) {
    const { name } = recorded
    if (!REPLAYED.test(name) || NOT_REPLAYED.includes(name)) continue
    await replay(t, client, recorded, IMPROVED[name])
  }
})
