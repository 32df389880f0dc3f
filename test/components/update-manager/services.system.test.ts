// Restarts of services after updates, and the entry of Klipper, on a machine with a systemctl that only writes its calls.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { fakePrograms } from '../machine/fake-programs.ts'

const SYSTEMCTL = `
if [ "$1" = list-units ]; then echo "klipper.service loaded active running Klipper"; exit; fi
echo "$2 $4" >> $HERE/calls
[ "$4" = broken.service ] && exit 1
exit 0`
const SUDO = '[ "$1" = -n ] && shift; shift; exec "$@"'

const repos = new GitRepos()
const at = publishApp(repos)
repos.git('.', 'clone', '--quiet', '--bare', repos.path('app.git'), repos.path('klipper.git'))
after(() => repos[Symbol.dispose]())

const messagesOf = (client: WebClient) =>
  client.frames.flatMap(({ method, params }: Frame) =>
    method === 'notify_update_response' ? params[0].message : [],
  )

/** A server with the sections, and a Klippy that runs from a clone at a commit, with a client after the first refresh. */
async function started(name: string, klipperCommit: number, sections: string, speed = 20) {
  const programs = fakePrograms({ systemctl: SYSTEMCTL, sudo: SUDO })
  const klippy = await FakeKlippy.start()
  repos.clone('klipper.git', `${name} klipper`, at(klipperCommit))
  const place = { klipper_path: repos.path(`${name} klipper`), python_path: '/usr/bin/python3' }
  klippy.change('webhooks', place)
  const rig = await startRig({
    klippySocket: klippy.path,
    clock: quickClock(speed),
    conf: `[machine]\nprovider: systemd_cli\n[update_manager]\nenable_system_updates: False\n${sections}`,
    prepare: ({ allowedServices }) => writeFileSync(allowedServices, 'app\nbroken\n'),
  })
  const client = await WebClient.open(rig.url)
  const isRead = ({ result, params }: Frame) =>
    (result ?? params?.[0])?.version_info?.klipper?.is_valid === true
  await client.call('machine.update.status')
  await client.find(isRead)
  return {
    client,
    klippy,
    calls: () => programs.calls(),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
      await klippy[Symbol.asyncDispose]()
      programs[Symbol.dispose]()
    },
  }
}

function section(name: string, commit: number, lines = ''): string {
  repos.clone('app.git', name, at(commit))
  return `[update_manager ${name.split(' ').at(-1)}]\ntype: git_repo\norigin: ${repos.path('app.git')}\npath: ${repos.path(name)}\n${lines}\n`
}

test('Klipper is the repository that Klippy runs from', async () => {
  await using scene = await started('own', 138, '')
  const { client, calls } = scene
  const { result } = await client.call('machine.update.status')
  const { version, owner, is_valid } = result.version_info.klipper
  assert.deepEqual([version, owner, is_valid], ['v2.0.0-alpha.3-8', '?', true])
  assert.equal((await client.call('machine.update.klipper')).result, 'ok')
  assert.deepEqual(messagesOf(client).slice(-2), [
    'Git Repo klipper: Restarting service klipper...',
    'Git Repo klipper: Update Finished...',
  ])
  assert.deepEqual(calls(), ['restart klipper.service'])
  assert.equal(repos.git('own klipper', 'rev-parse', 'HEAD'), at(140))
})

test('a Klipper that is not identified has an empty entry, one without a repository has none', async () => {
  const conf = '[update_manager]\nenable_system_updates: False\n'
  await using without = await startRig({ printer: 'none', conf })
  const { json: unknown } = await sendRequest(without.port, '/machine/update/status')
  assert.deepEqual(unknown.result.version_info, { klipper: {} })
  await using rig = await startRig({ conf })
  let seen: unknown
  do seen = (await sendRequest(rig.port, '/machine/update/status')).json.result.version_info
  while (!isDeepStrictEqual(seen, {}))
})

test('the section of Klipper changes its channel, and creates no second entry', async () => {
  await using scene = await started('pinned', 60, '[update_manager klipper]\nchannel: stable\n')
  const { result } = await scene.client.call('machine.update.status')
  assert.deepEqual(Object.keys(result.version_info), ['klipper'])
  const { channel, remote_version } = result.version_info.klipper
  assert.deepEqual([channel, remote_version], ['stable', 'v1.3.0-0'])
})

test('the services of a section restart in their order', async () => {
  const lines = 'managed_services: klipper app'
  await using scene = await started('single', 140, section('single app', 138, lines))
  const { client, calls } = scene
  await client.call('machine.update.client', { name: 'app' })
  assert.deepEqual(calls(), ['restart app.service', 'restart klipper.service'])
  assert.deepEqual(messagesOf(client).slice(-3), [
    'Git Repo app: Restarting service app...',
    'Git Repo app: Restarting service klipper...',
    'Git Repo app: Update Finished...',
  ])
})

test('a section that restarts only Klipper, as that of Happy Hare, needs no permission for itself', async () => {
  const lines = 'managed_services: klipper'
  await using scene = await started('add-on', 140, section('add-on unlisted', 138, lines))
  const { client, calls } = scene
  const { result } = await client.call('server.info')
  assert.deepEqual(
    result.warnings.filter((warning: string) => warning.includes('not permitted')),
    [],
  )
  await client.call('machine.update.client', { name: 'unlisted' })
  assert.deepEqual(calls(), ['restart klipper.service'])
})

/** The messages of a full update that restarts Klipper, from the first restart on. */
const fullUpdate = (end: string) => [
  'Git Repo app: Restarting service app...',
  'Git Repo app: Service klipper restart postponed...',
  'Git Repo app: Update Finished...',
  'Git Repo klipper: Restarting service klipper...',
  'Waiting for Klippy to reconnect (this may take up to 2 minutes)...',
  end,
  'Full Update Complete',
]

test('a full update restarts Klipper once, at the end, and waits for it', async () => {
  const lines = 'managed_services: klipper app'
  await using scene = await started('full', 140, section('full app', 138, lines))
  const { client, klippy, calls } = scene
  const update = client.call('machine.update.full')
  await client.find(({ params }) => String(params?.[0]?.message).startsWith('Waiting for Klippy'))
  klippy.drop()
  assert.equal((await update).result, 'ok')
  assert.deepEqual(calls(), ['restart app.service', 'restart klipper.service'])
  assert.deepEqual(messagesOf(client).slice(-7), fullUpdate('Klippy Reconnected'))
})

test('a full update ends if Klipper does not come back', async () => {
  const lines = 'managed_services: klipper app'
  // Quicker: the wait for Klippy ends by its timeout.
  await using scene = await started('lost', 140, section('lost app', 138, lines), 100)
  const { client, klippy } = scene
  await klippy.close()
  assert.equal((await client.call('machine.update.full')).result, 'ok')
  assert.deepEqual(messagesOf(client).slice(-7), fullUpdate('Klippy reconnect timed out...'))
})

test('a service that does not restart is the error of the update, which is done', async () => {
  await using scene = await started('failing', 140, section('failing broken', 138))
  const { client } = scene
  const { error } = await client.call('machine.update.client', { name: 'broken' })
  assert.match(error.message, /^Service 'broken' could not be restarted/)
  const { result } = await client.call('machine.update.status')
  assert.equal(result.version_info.broken.version, 'v2.0.0-alpha.3-10')
})

test('a wrong name of a service is left out with a warning', async () => {
  const lines = 'managed_services: klipper other\nis_system_service: False'
  await using scene = await started('wrong', 140, section('wrong app', 140, lines))
  const { result } = await scene.client.call('server.info')
  assert.ok(
    result.warnings.includes(
      "[update_manager app]: Option 'managed_services: klipper other' contains an invalid value 'other'.  " +
        "All values must be one of the following choices: ['app', 'klipper', 'moonraker']",
    ),
  )
})

test('the folder of a section that does not exist', async () => {
  const missing = join(repos.folder, 'missing')
  await using scene = await started(
    'without',
    140,
    `[update_manager gone]\ntype: git_repo\npath: ${missing}\norigin: x\n`,
  )
  const { result } = await scene.client.call('server.info')
  const warning = result.warnings.find((text: string) => text.includes('extension gone'))
  assert.ok(warning.startsWith('[update_manager]: Failed to load extension gone:'))
  assert.ok(warning.includes(`Path \`${missing}\` does not exist`))
})
