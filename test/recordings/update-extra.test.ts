// Further recorded requests: over HTTP, without Klippy, across a restart, refreshes by the status, detached repositories
// under the debug flag, full updates, and without a service manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { sendRequest } from '../support/raw-http.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import type { WebClient } from '../support/web-client.ts'
import { absentRecording, loadUpdates, type Recorded, replay } from './update-recording.ts'

const RECORDING = 'upd_extra'

/** A server with an entry for each repository, refreshed; the values are more options. */
async function start(repos: GitRepos, entries: Readonly<Record<string, string>>, debug = false) {
  const sections = Object.entries(entries).map(
    ([name, more]) =>
      `[update_manager ${name}]\ntype: git_repo\nis_system_service: False\npath: ${repos.path(name)}\n` +
      `origin: ${repos.path('app.git')}\n${more}`,
  )
  const conf = `[update_manager]\nenable_system_updates: False\n${sections.join('')}`
  const server = await RestartableServer.start({ conf, debug })
  const client = await server.client()
  await refresh(client)
  return { server, client }
}

async function refresh(client: WebClient): Promise<void> {
  const { error } = await client.call('machine.update.refresh')
  if (error !== undefined) await client.notified('notify_update_refreshed')
}

test('repositories are as recorded after a restart', { skip: absentRecording(RECORDING) }, async t => {
  const recorded = new Map(loadUpdates(RECORDING).map(each => [each.name, each]))
  const found = (name: string) => recorded.get(name) as Recorded
  using repos = new GitRepos()
  const at = publishApp(repos)
  repos.clone('app.git', 'behind45', at(95))
  const { server, client } = await start(repos, { behind45: '' })
  await using _ = server
  await replay(t, client, found('noklippy_status'))
  await replay(t, client, found('noklippy_update_klipper'))
  await replay(t, client, found('before_restart_update'))
  await server.restart()
  const second = await server.client()
  await replay(t, second, found('after_restart_status'))
  await replay(t, second, found('after_restart_rollback'))
  assert.equal(repos.git('behind45', 'rev-parse', 'HEAD'), at(95))
  // Within a minute nothing is fetched.
  repos.git('behind45', 'remote', 'set-url', 'origin', '/nowhere')
  await replay(t, second, found('status_refresh_true_within_60s'))
  const { result } = await second.call('machine.update.status')
  assert.equal(result.version_info.behind45.is_valid, true)
})

test('detached repositories are updated as recorded under the debug flag', {
  skip: absentRecording(RECORDING),
}, async t => {
  using repos = new GitRepos()
  const at = publishApp(repos)
  repos.clone('app.git', 'detachedremote', at(135))
  repos.clone('app.git', 'detst', at(60))
  repos.clone('app.git', 'behind3')
  const entries = { detachedremote: '', detst: 'channel: stable\n', behind3: '' }
  const { server, client } = await start(repos, entries, true)
  await using _ = server
  for (const name of ['detachedremote', 'detst']) repos.git(name, 'checkout', '--quiet', '--detach')
  await refresh(client)
  for (const each of loadUpdates(RECORDING)) if (each.name.startsWith('dbg_')) await replay(t, client, each)
})

/** A line of upd_http. */
interface HttpRecorded {
  readonly name: string
  readonly request: { readonly method: string; readonly path: string }
  readonly response: { readonly status: number; readonly body: { readonly error?: unknown } }
}

test('HTTP requests are answered as recorded', { skip: absentRecording('upd_http') }, async t => {
  using repos = new GitRepos()
  publishApp(repos)
  repos.clone('app.git', 'uptodate')
  const { server } = await start(repos, { uptodate: '' })
  await using _ = server
  for (const { name, request, response } of loadUpdates('upd_http') as unknown as HttpRecorded[]) {
    // The original's list of system packages was empty.
    if (name === 'system') continue
    await t.test(name, async () => {
      const { status, json } = await sendRequest(server.port, request.path, { verb: request.method })
      assert.equal(status, response.status)
      const { code, message } = (response.body.error ?? {}) as { code?: number; message?: string }
      assert.deepEqual([json.error?.code, json.error?.message], [code, message])
    })
  }
})

/** What is better than recorded. */
const IMPROVED: Readonly<Record<string, string>> = {
  full_while_printing: 'is refused during a print',
  update_managed: 'is done, and the messages name the service to restart',
  recover_hard_wrongbranch: 'names the previous folder',
  recover_hard_pin: 'names the previous folder',
  recover_hard_dirty: 'names the previous folder',
}

test('full updates and recoveries are as recorded', { skip: absentRecording('upd_full_ok') }, async t => {
  using repos = new GitRepos()
  const at = publishApp(repos)
  repos.clone('app.git', 'gitapp', at(137))
  repos.clone('app.git', 'pinahead', at(60))
  repos.clone('app.git', 'wrongbranch')
  repos.git('wrongbranch', 'checkout', '--quiet', '-b', 'feature', 'origin/feature')
  repos.clone('app.git', 'dirty', at(138))
  repos.write('dirty', 'file.txt', 'changed\n')
  const pin = `pinned_commit: ${at(100).slice(0, 10)}\n`
  const entries = { gitapp: 'managed_services: klipper\n', pinahead: pin, dirty: '', wrongbranch: '' }
  const { server, client } = await start(repos, entries)
  await using _ = server
  for (const each of loadUpdates('upd_provider_none'))
    if (/^(update_managed|update_system_disabled|recover_hard_(wrongbranch|pin|dirty))$/.test(each.name))
      await replay(t, client, each, IMPROVED[each.name])
  await client.call('machine.update.full')
  for (const each of loadUpdates('upd_full_ok')) {
    if (!each.name.startsWith('full_')) continue
    if (each.name === 'full_while_printing') await server.print(client, { state: 'printing' })
    await replay(t, client, each, IMPROVED[each.name])
  }
})
