import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startServer } from '../../src/app/server.ts'
import { type ComponentType, type Core, component } from '../../src/component/component.ts'
import type { HostPart } from '../../src/component/host.ts'
import { service } from '../../src/component/service.ts'
import { filesService } from '../../src/components/files/service.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { testLog } from '../support/test-log.ts'

/** Resolves with whether something listens on the unix socket. */
function listens(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** A component that looks around while it stops; `look` is called with the core. */
function watcher(look: (core: Core) => Promise<void>): ComponentType {
  return component({
    section: 'watcher',
    presence: 'always',
    options: {},
    create: ({ core }) => ({ stop: () => look(core) }),
  })
}

test('components stop after all connections and before the storage', async () => {
  const seen: Record<string, unknown> = {}
  let core: Core | undefined
  const type = watcher(async given => {
    core = given
    seen.klippy = core.printer.link.connected
    seen.http = await fetch(rig.url).then(
      () => true,
      () => false,
    )
    seen.unix = await listens(rig.socketPath)
    await core.storage.namespaces.post('watcher', ['last'], 'words')
    seen.storage = core.storage.namespaces.get('watcher', ['last'])
  })
  await using rig = await startRig({ components: [type] })
  await rig.server.stop()
  assert.deepEqual(seen, { klippy: false, http: false, unix: false, storage: 'words' })
  await assert.rejects(async () => core?.storage.namespaces.post('watcher', ['last'], 'more'))
  assert.doesNotMatch(rig.log.join('\n'), /did not stop cleanly/)
})

test('a component that fails to stop does not keep the storage', async () => {
  let core: Core | undefined
  const type = watcher(async given => {
    core = given
    throw new Error('stuck')
  })
  await using rig = await startRig({ components: [type], printer: 'none' })
  await rig.server.stop()
  assert.match(rig.log.join('\n'), /component \[watcher\] did not stop cleanly: Error: stuck/)
  await assert.rejects(async () => core?.storage.namespaces.post('watcher', ['last'], 'words'))
})

/** Starts a server without a host of the test, in a folder of its own. */
function startAlone(components: readonly ComponentType[]) {
  const paths = dataPaths(mkdtempSync(join(tmpdir(), 'alone-')))
  mkdirSync(paths.config, { recursive: true })
  writeFileSync(
    paths.configFile,
    '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n',
  )
  const log = testLog()
  const remove = () => rmSync(paths.data, { recursive: true, maxRetries: 3 })
  const started = startServer({
    paths,
    log,
    components,
    klippySocket: join(paths.comms, 'none.sock'),
  })
  return { started, remove }
}

test('a server without a given host waits for the parts of its own', async () => {
  let stopped = false
  const part: HostPart<object> = {
    name: 'the radio',
    create: () => ({}),
    async stop() {
      await new Promise(setImmediate)
      stopped = true
    },
  }
  const type = component({
    section: 'listener',
    presence: 'always',
    options: {},
    create({ core, scope }) {
      core.host.use(part, scope)
      return {}
    },
  })
  const { started, remove } = startAlone([type])
  const server = await started
  await server.stop()
  assert.ok(stopped)
  remove()
})

test('a start that fails after the server listens leaves nothing open', async () => {
  const seen: boolean[] = []
  let socket = ''
  const type = component({
    section: 'doomed',
    presence: 'always',
    essential: true,
    options: {},
    create: ({ core }) => ({
      async start() {
        socket = core.paths.socket
        seen.push(await listens(socket))
        throw new Error('no power')
      },
    }),
  })
  const { started, remove } = startAlone([type])
  await assert.rejects(started, /Component \[doomed\] does not work: no power/)
  seen.push(await listens(socket))
  assert.deepEqual(seen, [true, false])
  remove()
})

test('components that do not fit together keep the server from starting', async () => {
  const type = component({
    section: 'lost',
    presence: 'always',
    options: {},
    needs: { nothing: service('nothing') },
    create: () => ({}),
  })
  await assert.rejects(
    startRig({ components: [type], printer: 'none' }),
    /component \[lost\] needs the service 'nothing', which no component provides/,
  )
})

test('a request that waits for the first check of a folder ends when the server stops', async () => {
  let waiting: Promise<unknown> | undefined
  const type = component({
    section: 'late',
    presence: 'always',
    options: {},
    needs: { files: filesService },
    create({ needs: { files } }) {
      const root = { name: 'late', path: tmpdir(), writable: false }
      // Nothing checks it, as if its disk did not respond.
      files.roots.add(root)
      waiting = files.roots.checked(root).catch(error => error)
      return {}
    },
  })
  await using rig = await startRig({ printer: 'none', components: [type] })
  await rig.server.stop()
  assert.match(String(await waiting), /The server stops before the folder of root 'late' was checked/)
})

test('a component that waits for Klippy when it disconnects has not failed', async () => {
  await using klippy = await FakeKlippy.start()
  // The last request before Klippy is ready.
  klippy.answer('objects/list', () => {
    for (const method of ['objects/subscribe', 'objects/query'])
      klippy.answer(method, () => new Promise(() => undefined))
    return { objects: Object.keys(klippy.status) }
  })
  await using rig = await startRig({ klippySocket: klippy.path, ready: false })
  await klippy.waitFor('objects/subscribe', 2)
  await klippy.waitFor('objects/query')
  await rig.server.stop()
  assert.match(rig.log.join('\n'), /Klippy's state: ready/)
  assert.doesNotMatch(rig.log.join('\n'), / (WARNING|ERROR) /)
})
