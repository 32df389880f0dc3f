// The folders of applications in a root of the file manager: clients can read them, and not change them.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DataPaths } from '../../../src/core/paths.ts'
import { postJson, type Reply, sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { upload } from '../files/form.ts'
import { listFiles } from '../files/list-files.ts'

const post = ({ port }: Rig, path: string, params: object): Promise<Reply> =>
  postJson(port, `/server/files/${path}`, params)

const remove = ({ port }: Rig, path: string): Promise<Reply> =>
  sendRequest(port, `/server/files/${path}`, { verb: 'DELETE' })

/** Every way to change something in `config/addons/app`, or by the link `config/linked` to it. */
const WAYS: Readonly<Record<string, (rig: Rig, app: string) => Promise<Reply>>> = {
  upload: ({ port }, app) =>
    upload(port, 'new.cfg', '[new]', { root: 'config', path: app.replace('config/', '') }),
  'upload over a file': ({ port }, app) =>
    upload(port, 'app.cfg', '[new]', { root: 'config', path: app.replace('config/', '') }),
  'upload into a new folder': ({ port }, app) =>
    upload(port, 'new.cfg', '[new]', { root: 'config', path: `${app.replace('config/', '')}/made` }),
  'delete a file': (rig, app) => remove(rig, `${app}/app.cfg`),
  'delete a folder': (rig, app) => remove(rig, `directory?force=true&path=${app}/sub`),
  'move into': (rig, app) => post(rig, 'move', { source: 'config/free.cfg', dest: app }),
  'move out of': (rig, app) => post(rig, 'move', { source: `${app}/app.cfg`, dest: 'config/taken.cfg' }),
  'copy into': (rig, app) => post(rig, 'copy', { source: 'config/free.cfg', dest: `${app}/sub` }),
  'copy over': (rig, app) => post(rig, 'copy', { source: 'config/free.cfg', dest: `${app}/app.cfg` }),
  'make a folder': (rig, app) => post(rig, 'directory', { path: `${app}/new` }),
  zip: (rig, app) => post(rig, 'zip', { items: ['config/free.cfg'], dest: `${app}/new.zip` }),
}

/** Changes of the folder itself, and of the one that contains it. */
const WHOLE: typeof WAYS = {
  'delete the application': (rig, app) => remove(rig, `directory?force=true&path=${app}`),
  'move the application': (rig, app) => post(rig, 'move', { source: app, dest: 'config/elsewhere' }),
  'delete the folder around it': rig => remove(rig, 'directory?force=true&path=config/addons'),
  'move the folder around it': rig =>
    post(rig, 'move', { source: 'config/addons', dest: 'config/elsewhere' }),
}

function fill({ config }: DataPaths): string {
  const app = join(config, 'addons', 'app')
  mkdirSync(join(app, 'sub'), { recursive: true })
  writeFileSync(join(config, 'free.cfg'), '[free]\n')
  writeFileSync(join(app, 'app.cfg'), '[app]\n')
  const info = { project_name: 'app', project_owner: 'ann', version: 'v1.0.0' }
  writeFileSync(join(app, 'release_info.json'), JSON.stringify(info))
  symlinkSync(app, join(config, 'linked'))
  return app
}

/** A server with an application in the root `config`. */
function start(prepare: (app: string) => void = () => undefined): Promise<Rig> {
  const section =
    '[update_manager app]\ntype: web\nrepo: ann/app\npath: {data}/config/addons/app\nrefresh_interval: 1\n'
  // Nothing listens at the port: a refresh ends at once.
  const conf = `[update_manager]\nenable_system_updates: False\nrelease_api: http://127.0.0.1:9/\n${section}`
  return startRig({ printer: 'none', conf, prepare: paths => prepare(fill(paths)) })
}

async function refuses(t: TestContext, rig: Rig, ways: typeof WAYS, app: string): Promise<void> {
  for (const [name, way] of Object.entries(ways))
    await t.test(`${name}: ${app}`, async () => {
      const before = listFiles(rig.dataPath)
      const { status, body } = await way(rig, app)
      assert.equal(status, 403, body)
      assert.match(body, /forbidden by reserved path 'update_manager app'/)
      assert.deepEqual(listFiles(rig.dataPath), before)
    })
}

test('clients cannot change an application, by any way', async t => {
  await using rig = await start()
  await refuses(t, rig, { ...WAYS, ...WHOLE }, 'config/addons/app')
  await refuses(t, rig, WAYS, 'config/linked')
})

test('clients read an application, and its folder is shown as read-only', async () => {
  await using rig = await start()
  const { body } = await sendRequest(rig.port, '/server/files/config/addons/app/app.cfg')
  assert.equal(body, '[app]\n')
  for (const [path, permissions] of [
    ['config/addons/app', 'r'],
    ['config', 'rw'],
  ] as const) {
    const { json } = await sendRequest(rig.port, `/server/files/directory?path=${path}`)
    const { root_info, files } = json.result
    const shown = [root_info, ...files].map(each => each.permissions)
    assert.deepEqual([...new Set(shown)], [permissions], path)
  }
  const copied = await post(rig, 'copy', { source: 'config/addons/app/app.cfg', dest: 'config/mine.cfg' })
  assert.equal(copied.status, 200, copied.body)
})

test('clients can remove a link to an application: that leaves the application as it is', async () => {
  await using rig = await start()
  const { config } = rig.paths
  assert.ok(readlinkSync(join(config, 'linked')))
  const { status, body } = await remove(rig, 'directory?path=config/linked')
  assert.equal(status, 200, body)
  assert.ok(!existsSync(join(config, 'linked')))
  assert.ok(existsSync(join(config, 'addons/app/app.cfg')))
})

test('an application with a file .writeable can be changed', async t => {
  await using rig = await start(app => writeFileSync(join(app, '.writeable'), ''))
  for (const [name, way] of Object.entries(WAYS))
    await t.test(name, async () => {
      writeFileSync(join(rig.paths.config, 'free.cfg'), '[free]\n')
      writeFileSync(join(rig.paths.config, 'addons/app/app.cfg'), '[app]\n')
      mkdirSync(join(rig.paths.config, 'addons/app/sub'), { recursive: true })
      const { status, body } = await way(rig, 'config/addons/app')
      assert.ok(status < 300, body)
    })
})
