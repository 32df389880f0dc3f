// The recorded refreshes and updates after a file was changed, of an archive without modes, during a print, and after a
// restart. An API that does not answer is in test/components/update-manager/releases/release-api.test.ts: it takes half a minute.
import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { ReleaseServer } from '../support/release-server.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import type { WebClient } from '../support/web-client.ts'
import { zipOf } from '../support/zip-of.ts'
import { absentRecording, assertStatus, refresh, replay, updatesByName } from './update-recording.ts'
import { APP, RecordedRepos } from './update-repos.ts'
import { assertSameState } from './update-states.ts'

const RECORDING = 'upd_extra3'
/** What a refresh finds out, and the update before it too. */
const FOUND_EARLIER = ['is_valid', 'is_dirty', 'pristine', 'full_version_string', 'git_messages', 'warnings']

const infoOf = (name: string, version: string) =>
  JSON.stringify({ project_name: name, project_owner: 'dummy', version })

/** A front-end, and its two releases, whose archives have no modes. */
function publishWeb({ repos }: RecordedRepos, releases: ReleaseServer, name: string): string {
  const archive = (version: string) =>
    zipOf([
      { name: 'release_info.json', content: infoOf(name, version), mode: 0 },
      { name: 'dir/b.txt', content: version, mode: 0 },
    ])
  releases.repos.set(
    `dummy/${name}`,
    ['v1.1.0', 'v1.0.0'].map(tag => ({ tag, assets: { 'web.zip': archive(tag) } })),
  )
  mkdirSync(repos.path(name))
  writeFileSync(repos.path(name, 'release_info.json'), infoOf(name, 'v1.0.0'))
  return `[update_manager ${name}]\ntype: web\nrepo: dummy/${name}\npath: ${repos.path(name)}\n`
}

const statuses = async (client: WebClient) => (await client.call('machine.update.status')).result

test('changed files, archives without modes, prints and restarts are as recorded', {
  skip: absentRecording(RECORDING),
}, async t => {
  const line = updatesByName(RECORDING)
  await using releases = await ReleaseServer.start()
  await using repos = await RecordedRepos.start()
  repos.clone(APP, 'behind3', repos.at(137))
  repos.clone(APP, 'behind45', repos.at(95))
  const web = ['webapp', 'attr0'].map(name => publishWeb(repos, releases, name))
  const general = `enable_system_updates: False\nrelease_api: ${releases.url}\n`
  const sections = [repos.section(APP, 'behind3'), repos.section(APP, 'behind45'), ...web]
  await using server = await RestartableServer.start({ conf: repos.general(general) + sections.join('') })
  const client = await server.client()
  await refresh(client)

  repos.repos.write('behind3', 'file.txt', 'changed\n')
  await replay(t, client, line('update_locally_modified_since_refresh'), 'the server sees the changed file')
  const after = line('status_after').response.result.version_info
  const present = (await statuses(client)).version_info
  assertSameState(present.behind3, after.behind3, FOUND_EARLIER)
  assertSameState(present.behind45, after.behind45)
  assertStatus(present.webapp, after.webapp)

  await client.call('machine.update.client', { name: 'attr0' })
  await t.test('attr0_files: files can be read', () => {
    for (const name of ['release_info.json', 'dir/b.txt'])
      assert.equal(statSync(repos.repos.path('attr0', name)).mode & 0o777, 0o644)
  })

  await server.print(client, { state: 'printing' })
  await replay(t, client, line('full_really_updates_while_printing'), 'is refused during a print')
  await server.print(client, { state: 'standby' })

  // A minute after the refresh before it.
  while (
    !(await client.call('machine.update.status', { refresh: true })).result.version_info.behind3.is_dirty
  );
  const effective = line('status_refresh_true_effective').response.result
  const refreshed = await statuses(client)
  assertSameState(refreshed.version_info.behind3, effective.version_info.behind3)

  await server.restart()
  const second = await server.client()
  const restarted = line('restart_web') as unknown as { status: typeof effective }
  const { version_info, ...limits } = await statuses(second)
  for (const name of ['webapp', 'attr0'])
    assertStatus(version_info[name], restarted.status.version_info[name])
  for (const name of ['github_rate_limit', 'github_requests_remaining', 'github_limit_reset_time'])
    assert.equal(limits[name], restarted.status[name])
  await replay(t, second, line('refresh_web_after_restart'))
  assertStatus(
    (await statuses(second)).version_info.webapp,
    line('refresh_web_after_restart').response.result.version_info.webapp,
  )
})

test('a repository is updated as recorded under the debug flag', {
  skip: absentRecording(RECORDING),
}, async t => {
  const line = updatesByName(RECORDING)
  await using repos = await RecordedRepos.start()
  repos.clone(APP, 'behind120', repos.at(20))
  const conf = repos.general() + repos.section(APP, 'behind120')
  await using server = await RestartableServer.start({ conf, debug: true })
  const client = await server.client()
  await refresh(client)
  repos.repos.git('behind120', 'reset', '--quiet', '--hard', repos.at(16))
  await replay(t, client, line('dbg_refresh'))
  await replay(t, client, line('dbg_pull_rebase'))
})
