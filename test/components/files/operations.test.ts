import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { openFileClient } from './file-client.ts'

test('each operation returns its change and notifies of it once', async () => {
  await using fileClient = await openFileClient()
  const { at, call } = fileClient
  const item = (path: string) => {
    const { mtimeMs, size } = statSync(at(path))
    return { path, root: 'gcodes', modified: mtimeMs / 1000, size, permissions: 'rw' }
  }
  const gone = (path: string) => ({ path, root: 'gcodes', modified: 0, size: 0, permissions: '' })
  const source = (path: string) => ({ path, root: 'gcodes' })
  const steps: [string, object, () => object][] = [
    ['post_directory', { path: 'gcodes/a' }, () => ({ action: 'create_dir', item: item('a') })],
    [
      'copy',
      { source: 'gcodes/x.gcode', dest: 'gcodes/a/y.gcode' },
      () => ({ action: 'create_file', item: item('a/y.gcode') }),
    ],
    [
      'copy',
      { source: 'gcodes/x.gcode', dest: 'gcodes/a/y.gcode' },
      () => ({ action: 'modify_file', item: item('a/y.gcode') }),
    ],
    ['copy', { source: 'gcodes/a', dest: 'gcodes/b' }, () => ({ action: 'create_dir', item: item('b') })],
    ['copy', { source: 'gcodes/a', dest: 'gcodes/b' }, () => ({ action: 'create_dir', item: item('b/a') })],
    [
      'move',
      { source: 'gcodes/x.gcode', dest: 'gcodes/a' },
      () => ({ action: 'move_file', item: item('a/x.gcode'), source_item: source('x.gcode') }),
    ],
    [
      'move',
      { source: 'gcodes/a/x.gcode', dest: 'gcodes/a/y.gcode' },
      () => ({ action: 'move_file', item: item('a/y.gcode'), source_item: source('a/x.gcode') }),
    ],
    [
      'move',
      { source: 'gcodes/a', dest: 'gcodes/c' },
      () => ({ action: 'move_dir', item: item('c'), source_item: source('a') }),
    ],
    [
      'move',
      { source: 'gcodes/c', dest: 'gcodes/b' },
      () => ({ action: 'move_dir', item: item('b/c'), source_item: source('c') }),
    ],
    [
      'delete_file',
      { path: 'gcodes/b/c/y.gcode' },
      () => ({ action: 'delete_file', item: gone('b/c/y.gcode') }),
    ],
    ['delete_directory', { path: 'gcodes/b/c' }, () => ({ action: 'delete_dir', item: gone('b/c') })],
    [
      'delete_directory',
      { path: 'gcodes/b', force: true },
      () => ({ action: 'delete_dir', item: gone('b') }),
    ],
  ]
  writeFileSync(at('x.gcode'), 'G28')
  utimesSync(at('x.gcode'), 1_700_000_000, 1_700_000_000.25)
  assert.deepEqual(await fileClient.changes(), ['create_file gcodes/x.gcode'])
  const replies: unknown[] = []
  for (const [method, params, expected] of steps) {
    const reply = await call(method, params)
    assert.deepEqual(reply, expected(), `${method} ${JSON.stringify(params)}`)
    replies.push(reply)
  }
  await fileClient.changes()
  const notified = fileClient.client.frames
    .filter(({ method }) => method === 'notify_filelist_changed')
    .map(({ params }) => params[0])
    .filter(({ item: { path } }) => path !== 'x.gcode' && !path.startsWith('mark-'))
  assert.deepEqual(notified, replies)
  assert.deepEqual(readdirSync(fileClient.rig.paths.gcodes), [])
})

test('a reply comes before its notification, on the same connection and on others', async () => {
  await using fileClient = await openFileClient()
  await fileClient.call('post_directory', { path: 'gcodes/own' })
  const { client } = fileClient
  await client.notified('notify_filelist_changed')
  const reply = client.frames.findIndex(({ result }) => result?.item?.path === 'own')
  const notified = client.frames.findIndex(({ method }) => method === 'notify_filelist_changed')
  assert.ok(reply !== -1 && reply < notified)
  const { json } = await sendRequest(fileClient.rig.port, '/server/files/directory?path=gcodes%2Fown', {
    verb: 'DELETE',
  })
  assert.deepEqual(json.result, {
    action: 'delete_dir',
    item: { path: 'own', root: 'gcodes', modified: 0, size: 0, permissions: '' },
  })
  assert.deepEqual(await fileClient.changes(), ['create_dir gcodes/own', 'delete_dir gcodes/own'])
})

test('a rejected operation gives the reason and changes nothing', async t => {
  await using fileClient = await openFileClient()
  const { at, rig } = fileClient
  mkdirSync(at('full', 'inner'), { recursive: true })
  writeFileSync(at('full', 'x.gcode'), 'G28')
  mkdirSync(at('target', 'x.gcode'), { recursive: true })
  mkdirSync(at('target', 'full'), { recursive: true })
  writeFileSync(join(rig.paths.logs, 'a.log'), 'log')
  const refusals: [string, object, number, string][] = [
    ['post_directory', { path: 'gcodes/full' }, 400, "File exists: 'gcodes/full'"],
    ['post_directory', { path: 'gcodes/a/b' }, 400, "No such file or directory: 'gcodes/a/b'"],
    [
      'post_directory',
      { path: 'gcodes/full/x.gcode/b' },
      -32601,
      'File does not exist: gcodes/full/x.gcode/b',
    ],
    ['post_directory', { path: 'gcodes' }, 400, "File exists: 'gcodes'"],
    ['post_directory', { path: 'logs/a' }, 405, 'Operation Not Supported'],
    ['post_directory', { path: 'zzz/a' }, 400, 'Invalid root path (zzz)'],
    ['post_directory', { path: '' }, 400, 'Invalid root path ()'],
    ['delete_directory', { path: 'gcodes/full' }, 400, "Directory not empty: 'gcodes/full'"],
    ['delete_directory', { path: 'gcodes/none' }, 400, 'Directory does not exist (gcodes/none)'],
    [
      'delete_directory',
      { path: 'gcodes/full/x.gcode' },
      400,
      'Directory does not exist (gcodes/full/x.gcode)',
    ],
    ['delete_directory', { path: 'gcodes', force: true }, 400, 'Cannot delete root directory'],
    ['delete_directory', { path: 'logs/x', force: true }, 405, 'Operation Not Supported'],
    ['delete_file', { path: 'gcodes/none.gcode' }, 400, 'Invalid file path: gcodes/none.gcode'],
    ['delete_file', { path: 'gcodes/full' }, 400, 'Invalid file path: gcodes/full'],
    ['delete_file', { path: 'logs/a.log' }, 405, 'Operation Not Supported'],
    ['move', { source: 'gcodes', dest: 'config' }, 403, 'A whole root cannot be moved'],
    ['copy', { source: 'gcodes/', dest: 'config' }, 403, 'A whole root cannot be copied'],
    ['move', { source: 'gcodes/none', dest: 'gcodes/x' }, 400, 'File gcodes/none does not exist'],
    ['copy', { source: 'gcodes/none', dest: 'gcodes/x' }, 400, 'File gcodes/none does not exist'],
    ['move', { source: 'logs/a.log', dest: 'gcodes/x' }, 400, 'Source path is read-only, cannot move: logs'],
    ['copy', { source: 'gcodes/full', dest: 'logs/x' }, 400, 'Destination path is read-only: logs'],
    ['copy', { source: 'gcodes/full', dest: 'zz/x' }, 400, 'Invalid root path (zz)'],
    [
      'move',
      { source: 'gcodes/full', dest: 'gcodes/full/inner' },
      400,
      'A folder cannot be moved into itself',
    ],
    [
      'copy',
      { source: 'gcodes/full', dest: 'gcodes/full/inner/a' },
      400,
      'A folder cannot be copied into itself',
    ],
    [
      'move',
      { source: 'gcodes/full/x.gcode', dest: 'gcodes/full' },
      400,
      "Source and destination are the same: 'gcodes/full/x.gcode'",
    ],
    [
      'move',
      { source: 'gcodes/full/x.gcode', dest: 'gcodes/target' },
      400,
      "File exists: 'gcodes/target/x.gcode'",
    ],
    ['copy', { source: 'gcodes/full', dest: 'gcodes/target' }, 400, "File exists: 'gcodes/target/full'"],
    [
      'move',
      { source: 'gcodes/full', dest: 'gcodes/full/x.gcode' },
      400,
      'A folder cannot be moved into itself',
    ],
    [
      'move',
      { source: 'gcodes/target', dest: 'gcodes/full/x.gcode' },
      400,
      "File exists: 'gcodes/full/x.gcode'",
    ],
    ['copy', { source: 'gcodes/full', dest: 'gcodes/a/b' }, 400, "No such file or directory: 'gcodes/a/b'"],
    ['copy', { source: 'gcodes/full' }, 400, 'No data for argument: dest'],
  ]
  const before = userFiles(rig.dataPath)
  for (const [method, params, code, message] of refusals) {
    await t.test(`${method} ${JSON.stringify(params)}`, async () => {
      assert.deepEqual(await fileClient.refusal(method, params), { code, message })
    })
  }
  assert.deepEqual(userFiles(rig.dataPath), before)
})

function userFiles(folder: string): Set<string> {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return new Set(all.filter(path => /^(gcodes|config)/.test(path)))
}

test('unauthenticated clients can read images but not delete them', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'trusted_clients:\n  10.99.0.0/16' })
  writeFileSync(join(rig.paths.gcodes, 'x.png'), 'image')
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/x.png')).status, 200)
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/x.png', { verb: 'DELETE' })).status, 401)
  assert.ok(existsSync(join(rig.paths.gcodes, 'x.png')))
})

test('DELETE removes a file', async () => {
  await using fileClient = await openFileClient()
  writeFileSync(fileClient.at('a b#ü.gcode'), 'G28')
  const path = `/server/files/gcodes/${encodeURIComponent('a b#ü.gcode')}`
  const deleted = await sendRequest(fileClient.rig.port, path, { verb: 'DELETE' })
  assert.equal(deleted.status, 200)
  assert.equal(deleted.json.result.action, 'delete_file')
  assert.equal(existsSync(fileClient.at('a b#ü.gcode')), false)
  const again = await sendRequest(fileClient.rig.port, path, { verb: 'DELETE' })
  assert.deepEqual([again.status, again.json.error.code], [400, 400])
  assert.equal(
    (await sendRequest(fileClient.rig.port, '/server/files/zzz/a', { verb: 'DELETE' })).status,
    404,
  )
  assert.equal(
    (await sendRequest(fileClient.rig.port, '/server/files/logs/a.log', { verb: 'DELETE' })).status,
    405,
  )
})

test('copies keep times and permissions, contain the targets of links, and do not change the source', async () => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  mkdirSync(at('a', 'inner'), { recursive: true })
  writeFileSync(at('a', 'inner', 'x.gcode'), 'G28', { mode: 0o640 })
  utimesSync(at('a', 'inner', 'x.gcode'), 1_700_000_000, 1_700_000_000)
  symlinkSync('inner/x.gcode', at('a', 'link.gcode'))
  symlinkSync('inner', at('a', 'again'))
  symlinkSync('.', at('a', 'loop'))
  symlinkSync('nowhere', at('a', 'dangling'))
  await fileClient.call('copy', { source: 'gcodes/a', dest: 'gcodes/b' })
  assert.equal(readFileSync(at('b', 'inner', 'x.gcode'), 'utf8'), 'G28')
  assert.equal(statSync(at('b', 'inner', 'x.gcode')).mtimeMs, 1_700_000_000_000)
  assert.equal(statSync(at('b', 'inner', 'x.gcode')).mode & 0o777, 0o640)
  assert.ok(lstatSync(at('b', 'link.gcode')).isFile())
  const folders = readdirSync(at('b')).filter(name => lstatSync(at('b', name)).isDirectory())
  assert.equal(folders.length, 1, 'each folder is copied once')
  assert.ok(!existsSync(at('b', 'dangling')))
  await fileClient.call('delete_directory', { path: 'gcodes/a', force: true })
  assert.equal(readFileSync(at('b', 'link.gcode'), 'utf8'), 'G28')
})

test('deleting or moving a link does not change its target', async () => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  mkdirSync(at('real'))
  writeFileSync(at('real', 'x.gcode'), 'G28')
  symlinkSync('real', at('folder'))
  symlinkSync(at('real', 'x.gcode'), at('file.gcode'))
  await fileClient.call('move', { source: 'gcodes/file.gcode', dest: 'gcodes/moved.gcode' })
  assert.ok(lstatSync(at('moved.gcode')).isSymbolicLink())
  await fileClient.call('delete_file', { path: 'gcodes/moved.gcode' })
  await fileClient.call('delete_directory', { path: 'gcodes/folder', force: true })
  assert.deepEqual(readdirSync(fileClient.rig.paths.gcodes), ['real'])
  assert.equal(readFileSync(at('real', 'x.gcode'), 'utf8'), 'G28')
})

test('concurrent operations on the same files have the result of sequential ones', async () => {
  await using fileClient = await openFileClient()
  const { at, client } = fileClient
  writeFileSync(at('x.gcode'), 'G28\n'.repeat(10_000))
  await client.find(({ params: [change] = [{}] }) => change?.item?.path === 'x.gcode')
  const call = (method: string, params: object) => client.call(`server.files.${method}`, params)
  const all: Promise<{ result?: unknown }>[] = []
  for (let round = 0; round < 10; round += 1) {
    all.push(
      call('post_directory', { path: 'gcodes/fresh' }),
      call('copy', { source: 'gcodes/x.gcode', dest: 'gcodes/fresh/x.gcode' }),
      call('copy', { source: 'gcodes/fresh', dest: 'gcodes/copy' }),
      call('move', { source: 'gcodes/copy', dest: 'gcodes/moved' }),
      call('delete_directory', { path: 'gcodes/moved', force: true }),
      call('delete_directory', { path: 'gcodes/fresh', force: true }),
    )
  }
  const replies = await Promise.all(all)
  assert.deepEqual(
    replies.filter(({ result }) => result === undefined),
    [],
  )
  assert.deepEqual(readdirSync(fileClient.rig.paths.gcodes), ['x.gcode'])
  const notified = await fileClient.changes()
  assert.equal(notified.length, 60 + 1)
})

test('the printed file can only be copied', async () => {
  await using fileClient = await openFileClient({ printer: 'virtual' })
  const { at, client, rig } = fileClient
  mkdirSync(at('prints'))
  writeFileSync(at('prints', 'job.gcode'), 'G28\nG4 P600000\nG28\n')
  writeFileSync(at('other.gcode'), 'G28\n')
  symlinkSync('prints', at('alias'))
  await client.call('printer.objects.subscribe', { objects: { print_stats: ['state'] } })
  await postJson(rig.port, '/printer/print/start', { filename: 'prints/job.gcode' })
  await client.find(({ params: [change] = [{}] }) => change?.print_stats?.state === 'printing')
  const inUse: [string, object][] = [
    ['delete_file', { path: 'gcodes/prints/job.gcode' }],
    ['delete_file', { path: 'gcodes/alias/job.gcode' }],
    ['delete_directory', { path: 'gcodes/prints', force: true }],
    ['move', { source: 'gcodes/prints/job.gcode', dest: 'gcodes/a.gcode' }],
    ['move', { source: 'gcodes/prints', dest: 'gcodes/b' }],
    ['move', { source: 'gcodes/other.gcode', dest: 'gcodes/prints/job.gcode' }],
    ['copy', { source: 'gcodes/other.gcode', dest: 'gcodes/prints/job.gcode' }],
  ]
  for (const [method, params] of inUse) {
    const { code, message } = await fileClient.refusal(method, params)
    assert.equal(code, 403, `${method} ${JSON.stringify(params)}: ${message}`)
    assert.match(message, /^File currently in use/)
  }
  await fileClient.call('copy', { source: 'gcodes/prints/job.gcode', dest: 'gcodes/a.gcode' })
  await fileClient.call('delete_file', { path: 'gcodes/other.gcode' })
  assert.equal(readFileSync(at('prints', 'job.gcode'), 'utf8'), readFileSync(at('a.gcode'), 'utf8'))
})
