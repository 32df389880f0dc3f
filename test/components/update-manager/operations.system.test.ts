// The update manager of a server: replies, messages, what is refused, and what a restart keeps.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { after, test } from 'node:test'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { IDLE, RestartableServer } from '../../support/restartable-server.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

let folders = 0

/** Sections of new clones at commits, by their names. */
function sections(commits: Readonly<Record<string, number>>, lines = 'is_system_service: False'): string {
  const all = Object.entries(commits).map(([name, commit]) => {
    folders += 1
    const folder = `clone ${folders}`
    repos.clone('app.git', folder, at(commit))
    return `[update_manager ${name}]\ntype: git_repo\npath: ${repos.path(folder)}\norigin: ${repos.path('app.git')}\n${lines}\n`
  })
  return `[update_manager]\nenable_system_updates: False\n${all.join('')}`
}

/** A client of a server whose first refresh is done. */
async function started(conf: string) {
  const server = await RestartableServer.start({ conf })
  const client = await server.client()
  const { error } = await client.call('machine.update.refresh')
  if (error !== undefined) await client.notified('notify_update_refreshed')
  return { server, client, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const lines = (client: WebClient) =>
  client.frames
    .filter(({ method }) => method === 'notify_update_response')
    .map(({ params: [{ application, message, complete }] }: Frame) => [application, message, complete])

const short = (commit: number) => at(commit).slice(0, 7)

test('an update replies at its end, with the messages before it', async () => {
  await using scene = await started(sections({ app: 137 }))
  const { client } = scene
  const { result } = await client.call('machine.update.client', { name: 'app' })
  assert.equal(result, 'ok')
  assert.deepEqual(lines(client), [
    ['app', 'Updating Application app...', false],
    ['app', 'Git Repo app: Updating Repo...', false],
    ['app', `Updating ${short(137)}..${short(140)}`, false],
    ['app', 'Fast-forward', false],
    ['app', 'file.txt | 3 +++', false],
    ['app', '1 file changed, 3 insertions(+)', false],
    ['app', 'Git Repo app: Update Finished...', true],
  ])
  const ids = new Set(
    client.frames.flatMap(({ method, params }: Frame) =>
      method === 'notify_update_response' ? params[0].proc_id : [],
    ),
  )
  assert.equal(ids.size, 1)
  const { result: status } = await client.call('machine.update.status')
  assert.equal(status.busy, false)
  assert.equal(status.running, null)
  assert.equal(status.version_info.app.version, 'v2.0.0-alpha.3-10')
  assert.equal(status.version_info.app.preview, null)
})

test('the status contains what an update would do', async () => {
  await using scene = await started(
    sections({ app: 137 }, 'managed_services: klipper\nis_system_service: False'),
  )
  const { result } = await scene.client.call('machine.update.status')
  assert.deepEqual(result.version_info.app.preview, {
    version: 'v2.0.0-alpha.3-10',
    commits: 3,
    size: null,
    packages: [],
    services: ['klipper'],
  })
})

test('a full update updates everything in the order of the sections, and stops at a failure', async () => {
  await using scene = await started(sections({ one: 139, two: 138 }))
  const { client } = scene
  assert.equal((await client.call('machine.update.full')).result, 'ok')
  const messages = lines(client)
  assert.ok(messages.every(([application]) => application === 'full'))
  assert.deepEqual(
    messages
      .map(([, text]) => text)
      .filter(text => /^(Preparing|Full|Git Repo \w+: Update F)/.test(String(text))),
    [
      'Preparing full software update...',
      'Git Repo one: Update Finished...',
      'Git Repo two: Update Finished...',
      'Full Update Complete',
    ],
  )
  assert.deepEqual(
    messages.filter(([, , complete]) => complete),
    [['full', 'Full Update Complete', true]],
  )
  const again = client.frames.length
  await client.call('machine.update.upgrade')
  assert.equal(
    client.frames.slice(again).filter(({ method }) => method === 'notify_update_response').length,
    2,
  )
})

test('errors: unknown names, missing names, types without a recovery', async () => {
  await using scene = await started(sections({ app: 140 }))
  const { client } = scene
  const error = async (method: string, params?: unknown) => {
    const { error: found } = await client.call(`machine.update.${method}`, params)
    return [found.code, found.message]
  }
  assert.deepEqual(await error('upgrade', { name: 'nope' }), [-32601, 'Updater nope not available'])
  assert.deepEqual(await error('rollback', { name: 'nope' }), [-32601, 'Updater nope not available'])
  assert.deepEqual(await error('recover', { name: 'nope' }), [-32601, 'Updater nope not available'])
  assert.deepEqual(await error('system'), [-32601, 'Updater system not available'])
  assert.deepEqual(await error('rollback', {}), [400, 'No data for argument: name'])
  assert.deepEqual(await error('recover', {}), [400, 'No data for argument: name'])
  assert.deepEqual(await error('refresh', { name: 'nope' }), [400, "No updater registered for 'nope'"])
  assert.deepEqual(await error('cancel'), [-32601, 'No update is in progress'])
})

test('a failure is the last message and the reply', async () => {
  await using scene = await started(sections({ app: 137 }))
  const { client } = scene
  repos.git(`clone ${folders}`, 'remote', 'set-url', 'origin', '/nowhere/gone.git')
  const { error } = await client.call('machine.update.client', { name: 'app' })
  const text = "Git Command 'fetch origin --prune --progress' failed"
  assert.deepEqual([error.code, error.message], [400, text])
  assert.deepEqual(lines(client).at(-1), ['app', `Error updating app: ${text}`, true])
})

test('a remote that never answers: the update can be cancelled, and others are refused meanwhile', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  await using scene = await started(sections({ app: 137 }))
  const { client } = scene
  const { port } = silent.address() as AddressInfo
  repos.git(`clone ${folders}`, 'remote', 'set-url', 'origin', `http://127.0.0.1:${port}/app.git`)
  const connected = once(silent, 'connection')
  const ended = client.call('machine.update.client', { name: 'app' })
  await connected
  const { result: status } = await client.call('machine.update.status')
  assert.equal(status.busy, true)
  assert.deepEqual(status.running, {
    application: 'app',
    message: 'Git Repo app: Updating Repo...',
    progress: null,
    can_be_cancelled: true,
  })
  const { error: same } = await client.call('machine.update.client', { name: 'app' })
  assert.deepEqual([same.code, same.message], [503, 'Item app is currently updating'])
  const { error: refresh } = await client.call('machine.update.refresh')
  assert.deepEqual([refresh.code, refresh.message], [503, 'Server is busy, cannot perform refresh'])
  assert.equal((await client.call('machine.update.cancel')).result, 'ok')
  const { error } = await ended
  assert.equal(error.message, 'The update of app was cancelled')
  assert.deepEqual(lines(client).at(-1), ['app', 'Error updating app: The update of app was cancelled', true])
  assert.equal((await client.call('machine.update.status')).result.busy, false)
  silent.close()
})

test('everything is refused while the printer prints, a full update too', async () => {
  await using scene = await started(sections({ app: 137 }))
  const { client, server } = scene
  await server.print(client, { ...IDLE, state: 'printing', filename: 'a.gcode' })
  const error = async (method: string, params?: unknown) => {
    const { error: found } = await client.call(`machine.update.${method}`, params)
    return [found.code, found.message]
  }
  const refused = [503, 'Update Refused: Klippy is printing']
  assert.deepEqual(await error('client', { name: 'app' }), refused)
  assert.deepEqual(await error('upgrade', { name: 'app' }), refused)
  assert.deepEqual(await error('full'), refused)
  assert.deepEqual(await error('upgrade'), refused)
  assert.deepEqual(await error('recover', { name: 'app' }), [
    400,
    'Recovery Attempt Refused: Klippy is printing',
  ])
  assert.deepEqual(await error('rollback', { name: 'app' }), [
    400,
    'Rollback Attempt Refused: Klippy is printing',
  ])
  assert.deepEqual(await error('refresh'), [503, 'Server is busy, cannot perform refresh'])
  assert.ok((await client.call('machine.update.status', { refresh: true })).result)
  await server.print(client, { state: 'paused' })
  assert.deepEqual(await error('client', { name: 'app' }), refused)
  assert.deepEqual(lines(client), [])
})

test('without a service manager the restart is left to the user', async () => {
  const options = 'is_system_service: False\nmanaged_services: klipper'
  await using scene = await started(sections({ app: 139 }, options))
  const { client } = scene
  assert.equal((await client.call('machine.update.client', { name: 'app' })).result, 'ok')
  assert.deepEqual(lines(client).slice(-2), [
    ['app', 'Git Repo app: Restart the service klipper yourself: this server cannot (provider: none)', false],
    ['app', 'Git Repo app: Update Finished...', true],
  ])
})

test('a restart shows the stored state without a command, and can roll back', async () => {
  await using scene = await started(sections({ app: 137 }))
  const { server, client } = scene
  await client.call('machine.update.client', { name: 'app' })
  const before = (await client.call('machine.update.status')).result.version_info
  const { result } = await client.call('server.database.get_item', {
    namespace: 'update_manager',
    key: 'app',
  })
  assert.equal(result.value.rollback_commit, at(137))
  // A refresh would show that the repository is gone.
  repos.git(`clone ${folders}`, 'remote', 'set-url', 'origin', '/nowhere/gone.git')
  await server.restart()
  const next = await server.client()
  assert.deepEqual((await next.call('machine.update.status')).result.version_info, before)
  assert.equal((await next.call('machine.update.rollback', { name: 'app' })).result, 'ok')
  assert.deepEqual(lines(next), [['rollback_app', 'Git Repo app: Rollback Complete', true]])
})

test('the option env of old versions names the Python of the environment', async () => {
  const python = `#!/bin/sh\ncase "$*" in *--version) echo "pip 25.2 from /x (python 3.11)" ;; *) echo "pip $4 $5" ;; esac\n`
  for (const name of ['python', 'pip']) {
    repos.write('env', `bin/${name}`, python)
    chmodSync(repos.path('env', 'bin', name), 0o755)
  }
  const options = `is_system_service: False\nenv: ${repos.path('env', 'bin/python')}\nrequirements: file.txt`
  await using scene = await started(sections({ app: 139 }, options))
  assert.match(scene.server.warnings.join('\n'), /"env" .* deprecated; use "virtualenv" instead/)
  assert.equal((await scene.client.call('machine.update.client', { name: 'app' })).result, 'ok')
  assert.deepEqual(lines(scene.client).slice(-3), [
    ['app', 'Git Repo app: Updating python packages...', false],
    ['app', 'pip -U -r', false],
    ['app', 'Git Repo app: Update Finished...', true],
  ])
})

test('a service that is not allowed is not managed, with a warning', async () => {
  await using scene = await started(sections({ secret: 140 }, ''))
  const { result } = await scene.client.call('server.info')
  const text = result.warnings.find((warning: string) => warning.startsWith('[update_manager secret]'))
  assert.match(
    text,
    /^\[update_manager secret\]: Moonraker is not permitted to restart service 'secret'\. {2}To enable/,
  )
})
