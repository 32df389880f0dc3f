import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { openFileClient } from './file-client.ts'
import { upload } from './form.ts'

test('server.files.roots returns paths and permissions', async () => {
  await using fileClient = await openFileClient({ conf: '[file_manager]\nenable_config_write_access: False' })
  const { paths } = fileClient.rig
  assert.deepEqual(await fileClient.call('roots'), [
    { name: 'config', path: paths.config, permissions: 'r' },
    { name: 'logs', path: paths.logs, permissions: 'r' },
    { name: 'gcodes', path: paths.gcodes, permissions: 'rw' },
  ])
  const { root_info: info, files } = (await fileClient.call('get_directory', { path: 'config' })) as {
    root_info: object
    files: { permissions: string }[]
  }
  assert.deepEqual(info, { name: 'config', permissions: 'r' })
  assert.ok(files.length > 0 && files.every(({ permissions }) => permissions === 'r'))
  assert.equal((await fileClient.refusal('post_directory', { path: 'config/a' })).code, 405)
})

test('get_directory returns the contents, dot-folders included, and the space on the disk', async () => {
  await using fileClient = await openFileClient()
  mkdirSync(fileClient.at('.thumbs'))
  mkdirSync(join(fileClient.rig.paths.config, '.theme'))
  writeFileSync(join(fileClient.rig.paths.config, '.theme', 'custom.css'), '')
  writeFileSync(fileClient.at('readme.txt'), 'text')
  const { mtimeMs, size } = statSync(fileClient.at('.thumbs'))
  const reply = (await fileClient.call('get_directory', { path: 'gcodes' })) as {
    disk_usage: { total: number; used: number; free: number }
    files: { modified: number }[]
  }
  const { total, used, free } = reply.disk_usage
  assert.ok(total > 0 && used > 0 && free > 0 && used + free <= total)
  assert.deepEqual(reply, {
    dirs: [{ dirname: '.thumbs', modified: mtimeMs / 1000, size, permissions: 'rw' }],
    files: [
      {
        filename: 'readme.txt',
        modified: statSync(fileClient.at('readme.txt')).mtimeMs / 1000,
        size: 4,
        permissions: 'rw',
      },
    ],
    disk_usage: reply.disk_usage,
    root_info: { name: 'gcodes', permissions: 'rw' },
  })
  const { json } = await sendRequest(fileClient.rig.port, '/server/files/directory')
  assert.deepEqual(json.result.dirs, [
    { dirname: '.thumbs', modified: mtimeMs / 1000, size, permissions: 'rw' },
  ])
  const listed = (await fileClient.call('list', { root: 'config' })) as { path: string }[]
  assert.deepEqual(
    listed.map(({ path }) => path),
    ['.theme/custom.css', 'moonraker.conf'],
  )
})

test('a listing that fails gives the reason', async () => {
  await using fileClient = await openFileClient()
  writeFileSync(fileClient.at('x.gcode'), '')
  const refusals: [string, object, number, string][] = [
    ['list', { root: 'nosuch' }, 400, 'Failed to build file list, invalid path: nosuch: None'],
    ['get_directory', { path: 'zzz' }, 400, 'Invalid root path (zzz)'],
    ['get_directory', { path: 'gcodes/../../..' }, 400, 'Invalid root path (..)'],
    ['get_directory', { path: 'gcodes/none' }, 400, 'Directory does not exist (gcodes/none)'],
    ['get_directory', { path: 'gcodes/x.gcode' }, 400, 'Directory does not exist (gcodes/x.gcode)'],
  ]
  for (const [method, params, code, message] of refusals) {
    assert.deepEqual(await fileClient.refusal(method, params), { code, message })
  }
})

test('a root whose folder is removed has a warning, and is served again when the folder is back', async () => {
  await using fileClient = await openFileClient()
  const { rig, client, at } = fileClient
  writeFileSync(at('x.gcode'), 'G28')
  assert.deepEqual(await fileClient.changes(), ['create_file gcodes/x.gcode'])
  const away = join(rig.dataPath, 'away')
  renameSync(rig.paths.gcodes, away)
  const updated = (times: number) => {
    let seen = 0
    let last = -1
    return client.find(({ method, params }, index) => {
      const fits = method === 'notify_filelist_changed' && params[0].action === 'root_update'
      if (fits && index > last) {
        last = index
        seen += 1
      }
      return fits && seen === times
    })
  }
  const { params } = await updated(1)
  assert.deepEqual(params[0].item, { path: '', root: 'gcodes', modified: 0, size: 0, permissions: '' })
  const { code, message } = await fileClient.refusal('get_directory', { path: 'gcodes' })
  assert.equal(code, -32601)
  assert.match(message, /root 'gcodes' is missing/)
  const { result } = await client.call('server.info')
  assert.match(result.warnings.join(), /The folder of root 'gcodes' is missing/)
  renameSync(away, rig.paths.gcodes)
  const back = await updated(2)
  assert.equal(back.params[0].item.permissions, 'rw')
  assert.deepEqual(
    ((await fileClient.call('list')) as { path: string }[]).map(({ path }) => path),
    ['x.gcode'],
  )
  writeFileSync(at('y.gcode'), 'G28')
  assert.deepEqual((await fileClient.changes()).slice(2), ['create_file gcodes/y.gcode'])
  assert.deepEqual((await client.call('server.info')).result.warnings, [])
})

test('a root that is a file, or a link to itself, is missing', async () => {
  for (const make of [
    (gcodes: string) => writeFileSync(gcodes, 'x'),
    (gcodes: string) => symlinkSync(gcodes, gcodes),
  ]) {
    await using fileClient = await openFileClient({
      roots: ['config'],
      prepare: ({ gcodes }) => make(gcodes),
    })
    const { code, message } = await fileClient.refusal('list', {})
    assert.deepEqual([code, /folder of root 'gcodes' is missing/.test(message)], [400, true])
    assert.notEqual((await fileClient.refusal('get_directory', { path: 'gcodes' })).code, 500)
  }
})

test('the virtual printer starts while gcodes is a link to a missing folder', async () => {
  await using rig = await startRig({
    prepare: ({ data, gcodes }) => symlinkSync(join(data, 'share'), gcodes),
  })
  const { result } = (await sendRequest(rig.port, '/server/info')).json
  assert.deepEqual([result.klippy_state, result.warnings.length], ['ready', 1])
})

test('the server starts while gcodes is a link to a missing folder, and serves it when it exists', async () => {
  let share = ''
  await using fileClient = await openFileClient({
    roots: ['config'],
    prepare: ({ data, gcodes }) => {
      share = join(data, 'share')
      symlinkSync(share, gcodes)
    },
  })
  const { client, call, refusal } = fileClient
  const warnings = async () => (await client.call('server.info')).result.warnings.join()
  assert.match(await warnings(), /The folder of root 'gcodes' is missing: .*gcodes/)
  const { code, message } = await refusal('list', {})
  assert.deepEqual([code, /folder of root 'gcodes' is missing/.test(message)], [400, true])
  assert.equal(((await call('list', { root: 'config' })) as unknown[]).length, 1)
  assert.deepEqual(
    ((await call('roots')) as { name: string; permissions: string }[]).map(({ name, permissions }) => [
      name,
      permissions,
    ]),
    [
      ['config', 'rw'],
      ['logs', 'r'],
      ['gcodes', 'r'],
    ],
  )
  mkdirSync(share)
  writeFileSync(join(share, 'x.gcode'), 'G28')
  await client.find(({ params }) => params?.[0]?.action === 'root_update')
  assert.equal(((await call('list')) as unknown[]).length, 1)
  assert.equal(await warnings(), '')
  assert.equal((await upload(fileClient.rig.port, 'y.gcode', 'G28')).status, 201)
})

test('a root may be a link to another folder', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  await using fileClient = await openFileClient()
  const { rig, at } = fileClient
  rmSync(rig.paths.gcodes, { recursive: true })
  symlinkSync(elsewhere, rig.paths.gcodes)
  writeFileSync(join(elsewhere, 'x.gcode'), 'G28')
  assert.deepEqual(
    ((await fileClient.call('list')) as { path: string }[]).map(({ path }) => path),
    ['x.gcode'],
  )
  await fileClient.call('move', { source: 'gcodes/x.gcode', dest: 'gcodes/y.gcode' })
  assert.equal(statSync(join(elsewhere, 'y.gcode')).size, 3)
  assert.equal(statSync(at('y.gcode')).size, 3)
  rmSync(elsewhere, { recursive: true })
})

test("Klipper's documents are served read-only after its handshake", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'klipper-'))
  for (const name of ['docs', 'config']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'docs', 'G-Codes.md'), '# G-Codes')
  await using klippy = await FakeKlippy.start()
  klippy.answer('info', () => ({
    state: 'ready',
    state_message: 'Printer is ready',
    klipper_path: folder,
    config_file: '/elsewhere/printer.cfg',
  }))
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const served = async () => (await client.call('server.files.roots')).result.slice(3)
  while ((await served()).length < 2) await client.call('server.info')
  assert.deepEqual(await served(), [
    { name: 'docs', path: join(folder, 'docs'), permissions: 'r' },
    { name: 'config_examples', path: join(folder, 'config'), permissions: 'r' },
  ])
  assert.equal((await sendRequest(rig.port, '/server/files/docs/G-Codes.md')).body, '# G-Codes')
  const { error } = await client.call('server.files.delete_file', { path: 'docs/G-Codes.md' })
  assert.deepEqual(error, {
    code: 403,
    message: "Access to file G-Codes.md forbidden by reserved path 'klipper'",
  })
  const warned = async () => (await client.call('server.info')).result.warnings.join()
  while (!/check_klipper_config_path/.test(await warned())) await client.call('server.files.roots')
  rmSync(folder, { recursive: true })
})
