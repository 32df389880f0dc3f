// The recorded operations that need a service manager, Klippy or packages: updates of Klipper and of applications with
// services and packages, system packages, full updates, and what is refused meanwhile. apt, pip, npm and systemctl only print.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakePrograms, fakePrograms } from '../components/machine/fake-programs.ts'
import { ReleaseServer } from '../support/release-server.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import type { Frame, WebClient } from '../support/web-client.ts'
import { zipOf } from '../support/zip-of.ts'
import {
  absentRecording,
  comparable,
  loadUpdates,
  type Recorded,
  refresh,
  replay,
  updatesByName,
} from './update-recording.ts'
import { APP, DEPENDENT_APP, KLIPPER, PACKAGES, RecordedRepos } from './update-repos.ts'

const APT_GET = `
[ -e "$HERE/fails $1" ] && { echo "E: injected failure of $1"; exit 100; }
while [ -e "$HERE/waits" ]; do sleep 0.02; done
[ $1 = update ] && echo "Hit:1 http://deb.example bookworm InRelease"
echo "Reading package lists..."
[ $1 = upgrade ] && printf 'The following packages will be upgraded:\\n  libfoo bar\\nSetting up bar (2.0) ...\\n'
[ $1 = install ] && echo "Setting up $2 $3 ..."
exit 0
`
const APT = `
echo "Listing..."
echo "libfoo/stable 2.0 amd64 [upgradable from: 1.0]"
echo "bar/stable 2.0 amd64 [upgradable from: 1.0]"
`
const SYSTEMCTL = `
[ "$1" = list-units ] && echo "klipper.service loaded active running Klipper"
exit 0`
const PROGRAMS = {
  'apt-get': APT_GET,
  apt: APT,
  'apt-cache': 'echo "libtwo - a library"',
  npm: 'echo "added 12 packages in 1s"',
  systemctl: SYSTEMCTL,
  sudo: '[ "$1" = -n ] && shift; shift; exec "$@"',
}

/** In place of Python: the recorded pip prints no version once after its update. */
const PYTHON = `#!/bin/sh
updated=$(dirname "$0")/updated
case "$*" in
  *--version) [ -e "$updated" ] && rm "$updated" || echo "pip VERSION from /x (python 3.11)" ;;
  *pip*=25.2) echo "Successfully installed pip--m pip install -U 25.2"; touch "$updated" ;;
  *) echo "Collecting things"; echo "Successfully installed things" ;;
esac
`

/** What apt does not do during a request. */
const FAILURES: Readonly<Record<string, string>> = {
  system_update_fails: 'upgrade',
  system_update_cache_fails: 'update',
  system_refresh_fails: 'update',
}

/** What a server starts with. */
interface Scene {
  readonly repos: RecordedRepos
  readonly general?: string
  readonly sections: readonly string[]
  /** Klippy runs from this clone. */
  readonly klipper?: string
  readonly speed?: number
}

/** A server, with a client after the first refresh of everything. */
async function start({ repos, general, sections, klipper, speed }: Scene) {
  const server = await RestartableServer.start({
    conf: `[machine]\nprovider: systemd_cli\n${repos.general(general)}${sections.join('')}`,
    prepare: ({ allowedServices }, klippy) => {
      writeFileSync(allowedServices, 'gitapp\ndepapp\nzipapp\n')
      if (klipper !== undefined) repos.runKlippyFrom(klipper, klippy)
    },
    ...(speed !== undefined && { speed }),
  })
  const client = await server.client()
  if (klipper !== undefined) await repos.untilKlipperIsRead(client)
  await refresh(client)
  return { server, client }
}

function fail(programs: FakePrograms, command: string | undefined): void {
  for (const each of ['update', 'upgrade']) rmSync(join(programs.folder, `fails ${each}`), { force: true })
  if (command !== undefined) writeFileSync(join(programs.folder, `fails ${command}`), '')
}

const packagesOf = ({ result }: Frame): string[] | undefined => result.version_info?.system?.package_list

/** Sends the recorded full update, and a request in the middle of it, while apt waits. */
async function replayFull(
  t: TestContext,
  client: WebClient,
  programs: FakePrograms,
  { full, meanwhile }: { readonly full: Recorded; readonly meanwhile: Recorded },
): Promise<void> {
  const waits = join(programs.folder, 'waits')
  writeFileSync(waits, '')
  const before = client.frames.length
  const update = client.call('machine.update.full')
  const isAtPackages = ({ params }: Frame) => params?.[0]?.message === 'Updating packages...'
  await client.find((frame, index) => index >= before && isAtPackages(frame))
  const request = { method: 'machine.update.client', params: { name: 'gitapp' } }
  await replay(t, client, { ...meanwhile, request })
  rmSync(waits)
  const reply = await update
  await t.test(full.name, () =>
    assert.deepEqual(comparable(reply, client.frames.slice(before)), comparable(full.response, full.notes)),
  )
}

test('system packages, Klipper and everything are updated as recorded', {
  skip: absentRecording('upd_system_full'),
}, async t => {
  using programs = fakePrograms(PROGRAMS)
  await using repos = await RecordedRepos.start()
  const { at } = repos
  repos.clone(APP, 'gitapp', at(137))
  repos.clone(DEPENDENT_APP, 'depapp')
  repos.clone(APP, 'dirty', at(138))
  repos.clone(APP, 'corruptgarbage', at(139))
  repos.repos.damage('corruptgarbage', 'HEAD', 'garbage')
  repos.clone(KLIPPER, 'klipper', 'HEAD~2')
  const { server, client } = await start({
    repos,
    general: 'enable_packagekit: False\n',
    sections: [
      repos.section(APP, 'gitapp', ''),
      repos.section(DEPENDENT_APP, 'depapp'),
      repos.section(APP, 'dirty'),
      repos.section(APP, 'corruptgarbage'),
    ],
    klipper: 'klipper',
  })
  await using _ = server
  const line = updatesByName('upd_system_full')
  for (const recorded of loadUpdates('upd_system_full')) {
    const { name, request, response } = recorded
    if (name === 'full_update')
      await replayFull(t, client, programs, { full: recorded, meanwhile: line('busy_during_full') })
    if (request === undefined || name === 'full_update') continue
    fail(programs, FAILURES[name])
    await server.print(client, { state: name.startsWith('printing_') ? 'printing' : 'standby' })
    await replay(t, client, recorded)
    if (response.result?.version_info !== undefined)
      assert.deepEqual(packagesOf(await client.call('machine.update.status')), packagesOf(response), name)
  }
})

/** A Python environment with a pip that only prints. */
function environmentIn(repos: RecordedRepos, version = '22.0.4'): string {
  const folder = repos.repos.path('env')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  for (const name of ['python', 'pip']) {
    writeFileSync(join(folder, 'bin', name), PYTHON.replace('VERSION', version))
    chmodSync(join(folder, 'bin', name), 0o755)
  }
  return folder
}

test('services and packages of applications are updated as recorded', {
  skip: absentRecording('upd_git_ops'),
}, async t => {
  using _programs = fakePrograms(PROGRAMS)
  await using repos = await RecordedRepos.start()
  repos.clone(APP, 'remotealias', repos.at(138))
  repos.repos.git('remotealias', 'remote', 'rename', 'origin', 'upstream')
  repos.clone(DEPENDENT_APP, 'depapp', 'HEAD~1')
  const packages =
    `virtualenv: ${environmentIn(repos)}\nrequirements: requirements.txt\nenable_node_updates: True\n` +
    'system_dependencies: scripts/deps.json\nmanaged_services: depapp moonraker\n'
  const { server, client } = await start({
    repos,
    general: 'enable_packagekit: False\nenable_system_updates: False\n',
    sections: [
      repos.section(APP, 'remotealias', 'is_system_service: False\nmanaged_services: klipper\n'),
      repos.section(DEPENDENT_APP, 'depapp', packages),
    ],
  })
  await using _ = server
  const line = updatesByName('upd_git_ops')
  for (const name of ['update_managed_klipper', 'update_deps_all', 'rollback_deps'])
    await replay(t, client, line(name))
})

test('a program with packages is updated as recorded', { skip: absentRecording('upd_net') }, async t => {
  using _programs = fakePrograms(PROGRAMS)
  await using releases = await ReleaseServer.start()
  await using repos = await RecordedRepos.start()
  const filesOf = (version: string, needs: Readonly<Record<string, string>>) => ({
    'release_info.json': `{"project_name":"zipapp","project_owner":"dummy","version":"${version}"}`,
    ...needs,
  })
  for (const [name, content] of Object.entries(filesOf('v1.0.0', PACKAGES[0])))
    repos.repos.write('zipapp', name, content)
  const entries = Object.entries(filesOf('v1.1.0', PACKAGES[1])).map(([name, content]) => ({ name, content }))
  releases.repos.set('dummy/zipapp', [{ tag: 'v1.1.0', assets: { 'zipapp.zip': zipOf(entries) } }])
  const section =
    `[update_manager zipapp]\ntype: zip\nrepo: dummy/zipapp\npath: ${repos.repos.path('zipapp')}\n` +
    `virtualenv: ${environmentIn(repos, '25.2')}\nrequirements: requirements.txt\n` +
    'system_dependencies: scripts/deps.json\nenable_node_updates: True\n'
  const general = `enable_packagekit: False\nenable_system_updates: False\nrelease_api: ${releases.url}\n`
  const { server, client } = await start({ repos, general, sections: [section] })
  await using _ = server
  await replay(t, client, updatesByName('upd_net')('update_zip'))
})

test('a full update waits for Klippy as recorded', { skip: absentRecording('upd_extra2') }, async t => {
  using _programs = fakePrograms(PROGRAMS)
  await using repos = await RecordedRepos.start()
  repos.clone(KLIPPER, 'klipper')
  repos.clone(DEPENDENT_APP, 'depapp', 'HEAD~1')
  const managed = 'is_system_service: False\nmanaged_services: klipper\n'
  const { server, client } = await start({
    repos,
    sections: [repos.section(DEPENDENT_APP, 'depapp', managed)],
    klipper: 'klipper',
    speed: 300,
  })
  await using _ = server
  // It was not handed out.
  await client.call('machine.update.client', { name: 'depapp' })
  for (const recorded of loadUpdates('upd_extra2')) {
    const { name, request } = recorded
    if (request === undefined) continue
    if (name.startsWith('full_')) {
      const before = client.frames.length
      await server.klippy.close()
      await client.find(({ method }, index) => index >= before && method === 'notify_klippy_disconnected')
    }
    await replay(t, client, recorded)
  }
})

test('a full update ends at an invalid entry as recorded', {
  skip: absentRecording('upd_extra'),
}, async t => {
  using _programs = fakePrograms(PROGRAMS)
  await using repos = await RecordedRepos.start()
  const { at } = repos
  repos.clone(DEPENDENT_APP, 'depapp', 'HEAD~1')
  repos.clone(APP, 'behind45', at(95))
  repos.clone(APP, 'stable60', at(60))
  repos.clone(APP, 'detachedremote')
  repos.repos.git('detachedremote', 'checkout', '--quiet', '--detach')
  const { server, client } = await start({
    repos,
    sections: [
      repos.section(DEPENDENT_APP, 'depapp', 'is_system_service: False\nmanaged_services: klipper\n'),
      repos.section(APP, 'behind45'),
      repos.section(APP, 'stable60', 'is_system_service: False\nchannel: stable\n'),
      repos.section(APP, 'detachedremote'),
    ],
  })
  await using _ = server
  const recorded = updatesByName('upd_extra')('full_klippy_reconnect_timeout')
  await replay(t, client, recorded, 'fetches a release once')
})

test('a machine without apt is as recorded', { skip: absentRecording('upd_noapt') }, async t => {
  using _programs = fakePrograms({}, { alone: true })
  const server = await RestartableServer.start({ conf: '[update_manager]\nenable_packagekit: False\n' })
  await using _ = server
  const client = await server.client()
  await refresh(client)
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
