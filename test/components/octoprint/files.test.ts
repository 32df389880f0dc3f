// Files as OctoPrint lists, describes, selects and deletes them.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import type { Rig } from '../../support/rig.ts'
import type { Frame } from '../../support/web-client.ts'
import { get, post, Scene, SLICED, startOctoPrint } from './octo-rig.ts'

/** A server without a printer, with these files in gcodes. */
async function filesOf(...names: string[]): Promise<Rig> {
  const prepare = ({ gcodes }: { readonly gcodes: string }) => {
    for (const name of names) {
      mkdirSync(dirname(join(gcodes, name)), { recursive: true })
      writeFileSync(join(gcodes, name), SLICED)
    }
  }
  return startOctoPrint('', { printer: 'none', prepare })
}

/** Names with what is in them. */
function outline(entries: readonly Frame[]): unknown[] {
  return entries.map(({ name, type, children }) => (type === 'folder' ? [name, outline(children)] : name))
}

test('the list contains what can be printed, and folders on request', async () => {
  await using rig = await filesOf('a.gcode', 'sub/b.gcode', 'sub/deep/c.GCO', 'notes.txt', '.thumbs/x.gcode')
  const { files, free, total } = await get(rig, '/api/files')
  assert.deepEqual(outline(files), [['sub', []], 'a.gcode'])
  assert.ok(Number.isInteger(free) && free < total)
  const tree = [['sub', [['deep', ['c.GCO']], 'b.gcode']], 'a.gcode']
  assert.deepEqual(outline((await get(rig, '/api/files?recursive=true')).files), tree)
  assert.deepEqual(outline((await get(rig, '/api/files/local?recursive=true')).files), tree)
  const { children, ...folder } = await get(rig, '/api/files/local/sub?recursive=true')
  assert.deepEqual(outline(children), [['deep', ['c.GCO']], 'b.gcode'])
  assert.deepEqual(folder, {
    name: 'sub',
    display: 'sub',
    path: 'sub',
    origin: 'local',
    type: 'folder',
    typePath: ['folder'],
    refs: { resource: `${rig.url}/api/files/local/sub` },
  })
  assert.equal((await sendRequest(rig.port, '/api/files?recursive=maybe')).status, 400)
})

test('the reply about a file contains its place and the figures of its slicer', async () => {
  await using rig = await filesOf('sub/ä #1.gcode')
  const path = `sub/${encodeURIComponent('ä #1.gcode')}`
  const { date, ...file } = await get(rig, `/api/files/local/${path}`)
  assert.ok(Number.isInteger(date))
  assert.deepEqual(file, {
    name: 'ä #1.gcode',
    display: 'ä #1.gcode',
    path: 'sub/ä #1.gcode',
    origin: 'local',
    size: SLICED.length,
    type: 'machinecode',
    typePath: ['machinecode', 'gcode'],
    refs: {
      resource: `${rig.url}/api/files/local/${path}`,
      download: `${rig.url}/server/files/gcodes/${path}`,
    },
    gcodeAnalysis: { estimatedPrintTime: 3600, filament: { tool0: { length: 1234.5 } } },
  })
  const other = await get(rig, `/api/files/moonraker/gcodes/${path}`)
  assert.deepEqual(other, { date, ...file })
  for (const address of Object.values(file.refs)) {
    assert.equal((await fetch(address as string)).status, 200, String(address))
  }
})

test('addresses hold behind a prefix and a proxy with TLS', async () => {
  const prepare = ({ gcodes }: { readonly gcodes: string }) => {
    mkdirSync(gcodes, { recursive: true })
    writeFileSync(join(gcodes, 'a.gcode'), SLICED)
  }
  const server = 'route_prefix: printer1'
  await using rig = await startOctoPrint('', { printer: 'none', prepare, server })
  const headers = { Host: 'printers.lan', 'X-Forwarded-Proto': 'https' }
  const { refs } = await get(rig, '/printer1/api/files/local/a.gcode', headers)
  assert.deepEqual(refs, {
    resource: 'https://printers.lan/printer1/api/files/local/a.gcode',
    download: 'https://printers.lan/printer1/server/files/gcodes/a.gcode',
  })
})

test('a file has one path, however it is written', async () => {
  await using rig = await filesOf('sub/a.gcode')
  for (const path of ['local//sub/a.gcode', 'local/./sub/./a.gcode', 'moonraker/gcodes//sub//a.gcode']) {
    assert.equal((await get(rig, `/api/files/${path}`)).path, 'sub/a.gcode', path)
    assert.equal((await post(rig, `/api/files/${path}`, { command: 'select' })).status, 204)
    assert.equal((await get(rig, '/api/job')).job.file.path, 'sub/a.gcode', path)
  }
  assert.deepEqual(outline((await get(rig, '/api/files/local/sub/')).children), ['a.gcode'])
})

test('files that do not exist, or are outside of gcodes', async () => {
  await using rig = await filesOf('a.gcode', 'notes.txt')
  const paths = [
    '/api/files/local/none.gcode',
    '/api/files/local/notes.txt',
    '/api/files/local/',
    '/api/files/local/./',
    '/api/files/?location=local&path=a.gcode',
    '/api/files//a.gcode',
    '/api/files/moonraker/gcodes',
    '/api/files/sdcard/a.gcode',
    '/api/files/sdcard',
    '/api/files/local/..%2f..%2fconfig%2fmoonraker.conf',
    '/api/files/local/../../config/moonraker.conf',
  ]
  for (const path of paths) {
    const { status } = await sendRequest(rig.port, path)
    assert.ok(status === 404 || status === 403 || status === 400, `${path}: ${status}`)
    assert.ok([404, 403, 400, 405].includes((await post(rig, path, { command: 'select' })).status), path)
    const gone = await sendRequest(rig.port, path, { verb: 'DELETE' })
    if (!path.endsWith('notes.txt')) assert.ok([404, 403, 400, 405].includes(gone.status), path)
  }
  assert.equal((await sendRequest(rig.port, '/api/files/moonraker/config/moonraker.conf')).status, 400)
  assert.ok(existsSync(rig.paths.configFile))
  assert.ok(existsSync(join(rig.paths.gcodes, 'a.gcode')))
})

test('a file is deleted, unless it is printed', async () => {
  await using scene = await Scene.open({ files: ['a.gcode', 'b.gcode'] })
  const { gcodes } = scene.rig.paths
  await scene.push('virtual_sdcard', { file_path: join(gcodes, 'a.gcode') })
  await scene.printing('a.gcode')
  const refused = await sendRequest(scene.port, '/api/files/local/a.gcode', { verb: 'DELETE' })
  assert.equal(refused.status, 409)
  assert.match(refused.json.error.message, /currently in use/)
  const deleted = await sendRequest(scene.port, '/api/files/local/b.gcode', { verb: 'DELETE' })
  assert.deepEqual([deleted.status, deleted.body], [204, ''])
  assert.ok(existsSync(join(gcodes, 'a.gcode')) && !existsSync(join(gcodes, 'b.gcode')))
  assert.equal((await sendRequest(scene.port, '/api/files/local/b.gcode', { verb: 'DELETE' })).status, 404)
})
