// Further recorded requests: over HTTP, without Klippy, across a restart, refreshes by the status, detached repositories
// under the debug flag, full updates, and without a service manager.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { sendRequest } from '../support/raw-http.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { absentRecording, loadUpdates, refresh, replay, updatesByName } from './update-recording.ts'
import { APP, KLIPPER, RecordedRepos } from './update-repos.ts'
import { assertSameState } from './update-states.ts'

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

test('repositories are as recorded after a restart', { skip: absentRecording(RECORDING) }, async t => {
  const found = updatesByName(RECORDING)
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
  update_klipper: 'is done, and the messages name the service to restart',
  full: 'fetches a pinned commit once',
  recover_hard_wrongbranch: 'names the previous folder',
  recover_hard_pin: 'names the previous folder',
  recover_hard_dirty: 'names the previous folder',
  recover_soft_corrupt: 'fetches the damaged objects',
  recover_hard_corrupt_known_url: 'names the previous folder',
}

test('full updates are as recorded', { skip: absentRecording('upd_full_ok') }, async t => {
  using repos = new GitRepos()
  publishApp(repos)
  repos.clone('app.git', 'gitapp')
  const { server, client } = await start(repos, { gitapp: 'managed_services: klipper\n' })
  await using _ = server
  for (const each of loadUpdates('upd_full_ok')) {
    if (!each.name.startsWith('full_')) continue
    if (each.name === 'full_while_printing') await server.print(client, { state: 'printing' })
    await replay(t, client, each, IMPROVED[each.name])
  }
})

test('without a service manager everything is as recorded', {
  skip: absentRecording('upd_provider_none'),
}, async t => {
  await using repos = await RecordedRepos.start()
  const { at } = repos
  repos.clone(KLIPPER, 'klipper', 'HEAD~2')
  repos.clone(APP, 'gitapp', at(137))
  repos.clone(APP, 'wrongbranch')
  repos.repos.git('wrongbranch', 'checkout', '--quiet', '-b', 'feature', 'origin/feature')
  repos.clone(APP, 'pinahead', at(60))
  repos.clone(APP, 'dirty', at(138))
  repos.repos.write('dirty', 'file.txt', 'changed\n')
  repos.clone(APP, 'corrupt2')
  const section = (name: string, lines = '') => repos.section(APP, name, `is_system_service: False\n${lines}`)
  const sections = [
    section('gitapp', 'managed_services: klipper\n'),
    section('wrongbranch'),
    section('pinahead', `pinned_commit: ${at(100).slice(0, 10)}\n`),
    section('dirty'),
    section('corrupt2'),
  ]
  await using server = await RestartableServer.start({
    conf: repos.general() + sections.join(''),
    prepare: (_, klippy) => repos.runKlippyFrom('klipper', klippy),
  })
  const client = await server.client()
  await repos.untilKlipperIsRead(client)
  await refresh(client)
  for (const recorded of loadUpdates('upd_provider_none')) {
    const { name, request, response } = recorded
    // This server does not run from a repository of the test.
    if (/moonraker/.test(name)) continue
    if (/corrupt/.test(name) && request !== undefined) repos.repos.damage('corrupt2', 'HEAD', 'garbage')
    if (request !== undefined) await replay(t, client, recorded, IMPROVED[name])
    const [, entry] = /^status_of_(.*)/.exec(name) ?? []
    if (entry === undefined) continue
    const { result } = await client.call('machine.update.status')
    await t.test(name, () => assertSameState(result.version_info[entry], response))
  }
})
