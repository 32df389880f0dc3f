// Every way to write, for each role and each kind of target: they all go through one check.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { files as chapter } from '../../../src/api/files.ts'
import { type Reply, sendRequest } from '../../support/raw-http.ts'
import type { Rig } from '../../support/rig.ts'
import { bearer, createUser, ELSEWHERE, send, startAccess } from '../access/access-rig.ts'
import { formBody, TYPE } from './form.ts'
import { listFiles } from './list-files.ts'

type Headers = Record<string, string>
type Way = (rig: Rig, folder: string, headers: Headers) => Promise<Reply>

const post =
  (path: string, params: (folder: string) => object): Way =>
  (rig, folder, headers) =>
    send(rig, 'POST', `/server/files/${path}`, params(folder), headers)

const uploadTo =
  (url: string): Way =>
  (rig, folder, headers) => {
    const [root = '', ...rest] = folder.split('/')
    const fields = Object.entries({ root, path: rest.join('/') }).map(([name, body]) => ({ name, body }))
    const body = formBody([...fields, { filename: 'upload.gcode', body: 'G28' }])
    return sendRequest(rig.port, url, { verb: 'POST', headers: { ...headers, 'Content-Type': TYPE }, body })
  }

/** Each way to change something in a folder, by the method of the contract. The folder has `file.gcode` and `sub/`. */
const METHODS: Readonly<Record<string, Way>> = {
  'server.files.post_directory': post('directory', folder => ({ path: `${folder}/new` })),
  'server.files.delete_directory': (rig, folder, headers) =>
    send(rig, 'DELETE', `/server/files/directory?force=true&path=${folder}/sub`, undefined, headers),
  'server.files.move': post('move', folder => ({
    source: 'gcodes/free.gcode',
    dest: `${folder}/moved.gcode`,
  })),
  'server.files.copy': post('copy', folder => ({ source: 'gcodes/free.gcode', dest: folder })),
  'server.files.zip': post('zip', folder => ({ items: ['gcodes/free.gcode'], dest: `${folder}/file.gcode` })),
  'server.files.delete_file': (rig, folder, headers) => {
    const params = { path: `${folder}/file.gcode` }
    const body = { jsonrpc: '2.0', method: 'server.files.delete_file', params, id: 1 }
    return send(rig, 'POST', '/server/jsonrpc', body, headers)
  },
}

const WAYS: Readonly<Record<string, Way>> = {
  ...METHODS,
  'move away': post('move', folder => ({ source: `${folder}/file.gcode`, dest: 'gcodes/taken.gcode' })),
  upload: uploadTo('/server/files/upload'),
  DELETE: (rig, folder, headers) =>
    sendRequest(rig.port, `/server/files/${folder}/file.gcode`, { verb: 'DELETE', headers }),
  'OctoPrint upload': uploadTo('/api/files/local'),
  'OctoPrint DELETE': (rig, folder, headers) =>
    folder.startsWith('gcodes/')
      ? sendRequest(rig.port, `/api/files/local/${folder.slice(7)}/file.gcode`, { verb: 'DELETE', headers })
      : sendRequest(rig.port, `/server/files/${folder}/file.gcode`, { verb: 'DELETE', headers }),
}

/** Folders, and the lowest role that may write there; null for none. */
const TARGETS: Readonly<Record<string, string | null>> = {
  'gcodes/folder': 'operator',
  'gcodes/usb': 'operator',
  config: 'admin',
  'config/folder': 'admin',
  'gcodes/config': 'admin',
  'gcodes/../config/folder': 'admin',
  logs: null,
  'gcodes/logs': null,
}

const ROLES = ['unauthenticated', 'viewer', 'operator', 'admin']

function fill(rig: Rig): void {
  const { gcodes, config, logs } = rig.paths
  const folders = [config, logs, join(gcodes, 'folder'), join(config, 'folder'), join(rig.dataPath, 'usb')]
  for (const folder of folders) {
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'file.gcode'), 'G28\n')
  }
  writeFileSync(join(gcodes, 'free.gcode'), 'G28\n')
  for (const name of ['moved.gcode', 'taken.gcode', 'free.gcode', 'upload.gcode']) {
    for (const folder of [gcodes, ...folders]) rmSync(join(folder, name), { force: true })
  }
  for (const folder of folders) rmSync(join(folder, 'new'), { recursive: true, force: true })
  writeFileSync(join(gcodes, 'free.gcode'), 'G28\n')
}

test('the table has every method of the files that changes something', () => {
  const changing = Object.entries(chapter.methods).filter(([, { changes }]) => changes)
  const names = changing.map(([name]) => name).filter(name => name !== 'server.files.metascan')
  assert.deepEqual(Object.keys(METHODS).sort(), names.sort())
})

test('each role writes where it may and nowhere else, by every way', async t => {
  await using rig = await startAccess('', { conf: '[octoprint_compat]' })
  fill(rig)
  symlinkSync(join(rig.dataPath, 'usb'), join(rig.paths.gcodes, 'usb'))
  symlinkSync(rig.paths.config, join(rig.paths.gcodes, 'config'))
  symlinkSync(rig.paths.logs, join(rig.paths.gcodes, 'logs'))
  // Only a write that was allowed changes the folders.
  let before: string[] | null = null
  for (const role of ROLES) {
    const headers =
      role === 'unauthenticated' ? ELSEWHERE : bearer((await createUser(rig, role, { role })).token)
    for (const [target, needed] of Object.entries(TARGETS)) {
      const allowed = needed !== null && ROLES.indexOf(role) >= ROLES.indexOf(needed)
      for (const [name, way] of Object.entries(WAYS)) {
        // A form names root and path apart.
        if (target.includes('..') && name.includes('upload')) continue
        await t.test(`${role}: ${name} in ${target}`, async () => {
          if (before === null) fill(rig)
          before ??= listFiles(rig.dataPath)
          const reply = await way(rig, target, headers)
          const { status, body } = reply
          const failed = status >= 400 || reply.json?.error !== undefined
          assert.equal(failed, !allowed, `${status} ${body}`)
          if (allowed) before = null
          else assert.deepEqual(listFiles(rig.dataPath), before)
          if (role === 'unauthenticated') assert.ok(status === 401 || reply.json.error.code === -32602, body)
        })
      }
    }
  }
})

test('object processing does not rewrite linked files, nor files of the configuration', async () => {
  const object = (name: string, x: number) =>
    `; printing object ${name} id:0 copy 0\nG1 X${x} Y10 E1\nG1 X${x + 5} Y15 E1\n; stop printing object ${name} id:0 copy 0\n`
  const text = `; generated by PrusaSlicer 2.8.1\nM83\n${object('a', 10)}${object('b', 50)}M84\n`
  await using rig = await startAccess('', { conf: '[file_manager]\nenable_object_processing: True' })
  const { gcodes, config } = rig.paths
  const outside = join(rig.dataPath, 'outside.gcode')
  symlinkSync(outside, join(gcodes, 'linked.gcode'))
  symlinkSync(config, join(gcodes, 'config'))
  const places = [outside, join(config, 'own.gcode'), join(gcodes, 'plain.gcode')]
  for (const path of places) writeFileSync(path, text)
  for (const filename of ['linked.gcode', 'config/own.gcode', 'plain.gcode']) {
    const { status, body } = await send(rig, 'POST', '/server/files/metascan', { filename }, {})
    assert.equal(status, 200, body)
  }
  const isMarked = places.map(path => readFileSync(path, 'utf8').includes('EXCLUDE_OBJECT_DEFINE'))
  assert.deepEqual(isMarked, [false, false, true])
})
