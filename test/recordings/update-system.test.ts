// The recorded updates of system packages with an apt that only prints, the refusals during a print, and full updates.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FakePrograms, fakePrograms } from '../components/machine/fake-programs.ts'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import type { Frame } from '../support/web-client.ts'
import { absentRecording, loadUpdates, replay } from './update-recording.ts'

/** Restarts of services are in test/components/update-manager/services.test.ts: here is no service manager. */
const NOT_REPLAYED = ['update_klipper', 'rollback_klipper', 'full_update']

const APT_GET = `
[ -e "$HERE/fails $1" ] && { echo "E: injected failure of $1"; exit 100; }
[ $1 = update ] && echo "Hit:1 http://deb.example bookworm InRelease"
echo "Reading package lists..."
[ $1 = upgrade ] && printf 'The following packages will be upgraded:\\n  libfoo bar\\nSetting up bar (2.0) ...\\n'
exit 0
`
const APT = `
echo "Listing..."
echo "libfoo/stable 2.0 amd64 [upgradable from: 1.0]"
echo "bar/stable 2.0 amd64 [upgradable from: 1.0]"
`
const SUDO = 'while [ "$1" != env ]; do shift; done; exec "$@"'

/** What apt does not do during a request. */
const FAILURES: Readonly<Record<string, string>> = {
  system_update_fails: 'upgrade',
  system_update_cache_fails: 'update',
  system_refresh_fails: 'update',
}

async function start(repos: GitRepos, sections: readonly string[]) {
  const parts = sections.map(
    name =>
      `[update_manager ${name}]\ntype: git_repo\nis_system_service: False\npath: ${repos.path(name)}\n` +
      `origin: ${repos.path('app.git')}\n`,
  )
  const conf = `[update_manager]\nenable_packagekit: False\n${parts.join('')}`
  const server = await RestartableServer.start({ conf })
  const client = await server.client()
  const { error } = await client.call('machine.update.refresh')
  if (error !== undefined) await client.notified('notify_update_refreshed')
  return { server, client }
}

function fail(programs: FakePrograms, command: string | undefined): void {
  for (const each of ['update', 'upgrade']) rmSync(join(programs.folder, `fails ${each}`), { force: true })
  if (command !== undefined) writeFileSync(join(programs.folder, `fails ${command}`), '')
}

const packagesOf = ({ result }: Frame): string[] | undefined => result.version_info?.system?.package_list

test('system packages are updated as recorded', { skip: absentRecording('upd_system_full') }, async t => {
  using programs = fakePrograms({ 'apt-get': APT_GET, apt: APT, sudo: SUDO })
  using repos = new GitRepos()
  const at = publishApp(repos)
  for (const name of ['gitapp', 'depapp', 'corruptgarbage']) repos.clone('app.git', name)
  repos.git('corruptgarbage', 'checkout', '--quiet', '--detach', at(130))
  const { server, client } = await start(repos, ['gitapp', 'depapp', 'corruptgarbage'])
  await using _ = server
  for (const recorded of loadUpdates('upd_system_full')) {
    const { name, request, response } = recorded
    if (request === undefined || NOT_REPLAYED.includes(name)) continue
    fail(programs, FAILURES[name])
    await server.print(client, { state: name.startsWith('printing_') ? 'printing' : 'standby' })
    // Its packages were updated before.
    if (name === 'full_with_failure') await client.call('machine.update.system')
    await replay(t, client, recorded)
    if (response.result?.version_info !== undefined)
      assert.deepEqual(packagesOf(await client.call('machine.update.status')), packagesOf(response), name)
  }
})

test('a machine without apt is as recorded', { skip: absentRecording('upd_noapt') }, async t => {
  using repos = new GitRepos()
  using _ = fakePrograms({}, { alone: true })
  const { server, client } = await start(repos, [])
  await using _server = server
  for (const recorded of loadUpdates('upd_noapt')) {
    const { name, request, response } = recorded
    if (request !== undefined) await replay(t, client, recorded)
    if (name === 'status_of_system') {
      const { result } = await client.call('machine.update.status')
      const { preview: _preview, ...system } = result.version_info.system
      assert.deepEqual(system, response)
    }
  }
  // The recorded warning names the distribution only.
  assert.match(server.warnings.join('\n'), /neither PackageKit nor apt/)
})
