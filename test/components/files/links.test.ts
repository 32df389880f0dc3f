// Links out of the roots, which the host's owner has made: what clients can read and write through them.
import assert from 'node:assert/strict'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { type FileClient, openFileClient } from './file-client.ts'
import { upload } from './form.ts'

interface Listing {
  readonly dirs: { readonly dirname: string; readonly permissions: string }[]
  readonly files: { readonly filename: string; readonly permissions: string }[]
}

/** A client whose roots link to `config/mainsail.cfg` and `gcodes/USB` in a folder outside. */
async function openWithLinks(): Promise<FileClient & { readonly outside: string }> {
  const fileClient = await openFileClient()
  const { dataPath, paths } = fileClient.rig
  const outside = join(dataPath, 'outside')
  mkdirSync(join(outside, 'usb', 'sub'), { recursive: true })
  writeFileSync(join(outside, 'mainsail.cfg'), '[gcode_macro PAUSE]\n')
  writeFileSync(join(outside, 'usb', 'a.gcode'), 'G28')
  writeFileSync(join(outside, 'usb', 'sub', 'b.gcode'), 'G28')
  symlinkSync(join(outside, 'usb'), fileClient.at('USB'))
  symlinkSync(join(outside, 'mainsail.cfg'), join(paths.config, 'mainsail.cfg'))
  assert.deepEqual((await fileClient.changes()).sort(), [
    'create_dir gcodes/USB',
    'create_file config/mainsail.cfg',
  ])
  return Object.assign(fileClient, { outside })
}

const pathsOf = async ({ call }: FileClient, root = 'gcodes') =>
  ((await call('list', { root })) as { path: string }[]).map(({ path }) => path)

test('linked files are listed and read, and never written', async t => {
  await using files = await openWithLinks()
  const { rig, outside } = files
  const link = join(rig.paths.config, 'mainsail.cfg')
  const { files: entries } = (await files.call('get_directory', { path: 'config' })) as Listing
  const own = entries.filter(({ filename }) => !filename.startsWith('mark-'))
  const permissions = Object.fromEntries(own.map(({ filename, permissions: each }) => [filename, each]))
  assert.deepEqual(permissions, { 'mainsail.cfg': 'r', 'moonraker.conf': 'rw' })
  const listed = (await files.call('list', { root: 'config' })) as { path: string; permissions: string }[]
  assert.equal(listed.find(({ path }) => path === 'mainsail.cfg')?.permissions, 'r')
  const url = '/server/files/config/mainsail.cfg'
  assert.equal((await sendRequest(rig.port, url)).body, '[gcode_macro PAUSE]\n')
  writeFileSync(join(rig.paths.config, 'other.cfg'), 'other')
  const writes: [string, () => Promise<{ status: number; body: string }>][] = [
    ['upload', () => upload(rig.port, 'mainsail.cfg', 'x', { root: 'config' })],
    [
      'zip',
      () => postJson(rig.port, '/server/files/zip', { items: ['config'], dest: 'config/mainsail.cfg' }),
    ],
    ...['move', 'copy'].map(
      verb =>
        [
          verb,
          () =>
            postJson(rig.port, `/server/files/${verb}`, {
              source: 'config/other.cfg',
              dest: 'config/mainsail.cfg',
            }),
        ] as [string, () => Promise<{ status: number; body: string }>],
    ),
  ]
  for (const [name, write] of writes) {
    await t.test(name, async () => {
      const { status, body } = await write()
      assert.equal(status, 403, body)
      assert.match(body, /it can only be read/)
    })
  }
  assert.equal(readFileSync(join(outside, 'mainsail.cfg'), 'utf8'), '[gcode_macro PAUSE]\n')
  assert.ok(lstatSync(link).isSymbolicLink())
  await files.call('copy', { source: 'config/mainsail.cfg', dest: 'config/own.cfg' })
  assert.ok(lstatSync(join(rig.paths.config, 'own.cfg')).isFile())
  await files.call('delete_file', { path: 'config/mainsail.cfg' })
  assert.ok(existsSync(join(outside, 'mainsail.cfg')))
})

test('linked folders are listed, read and written', async () => {
  await using files = await openWithLinks()
  const { rig, outside, call } = files
  const usb = join(outside, 'usb')
  assert.deepEqual(await pathsOf(files), ['USB/a.gcode', 'USB/sub/b.gcode'])
  const { dirs } = (await call('get_directory', { path: 'gcodes' })) as Listing
  assert.deepEqual(
    dirs.map(({ dirname, permissions }) => [dirname, permissions]),
    [['USB', 'rw']],
  )
  const inside = (await call('get_directory', { path: 'gcodes/USB' })) as Listing
  assert.deepEqual(
    [inside.dirs, inside.files].map(entries => entries.length),
    [1, 1],
  )
  const reply = await upload(rig.port, 'new.gcode', 'G1', { path: 'USB/made' })
  assert.equal(reply.json.item.path, 'USB/made/new.gcode')
  await call('move', { source: 'gcodes/USB/made/new.gcode', dest: 'gcodes/USB/sub' })
  await call('copy', { source: 'gcodes/USB/sub', dest: 'gcodes/copied' })
  await call('post_directory', { path: 'gcodes/USB/empty' })
  await call('delete_directory', { path: 'gcodes/USB/made' })
  await call('delete_file', { path: 'gcodes/USB/a.gcode' })
  assert.deepEqual(readdirSync(usb, { recursive: true, encoding: 'utf8' }).sort(), [
    'empty',
    'sub',
    'sub/b.gcode',
    'sub/new.gcode',
  ])
  assert.deepEqual(readdirSync(files.at('copied')).sort(), ['b.gcode', 'new.gcode'])
  assert.deepEqual(await files.changes(), [
    'create_dir gcodes/USB/made',
    'create_file gcodes/USB/made/new.gcode',
    'move_file gcodes/USB/made/new.gcode -> gcodes/USB/sub/new.gcode',
    'create_dir gcodes/copied',
    'create_dir gcodes/USB/empty',
    'delete_dir gcodes/USB/made',
    'delete_file gcodes/USB/a.gcode',
  ])
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/USB/sub/b.gcode')).body, 'G28')
  const { filename, size } = (await call('metadata', { filename: 'USB/sub/b.gcode' })) as {
    filename: string
    size: number
  }
  assert.deepEqual([filename, size], ['USB/sub/b.gcode', 3])
})

test('clients are notified of changes in linked folders, and of linked files that change', async () => {
  await using files = await openWithLinks()
  const { outside, rig } = files
  renameSync(join(outside, 'usb', 'a.gcode'), join(outside, 'usb', 'sub', 'a.gcode'))
  assert.deepEqual(await files.changes(), ['move_file gcodes/USB/a.gcode -> gcodes/USB/sub/a.gcode'])
  writeFileSync(join(outside, 'mainsail.cfg'), 'longer than before, by far')
  const { files: entries } = (await files.call('get_directory', { path: 'config' })) as {
    files: { filename: string; size: number }[]
  }
  assert.equal(entries.find(({ filename }) => filename === 'mainsail.cfg')?.size, 26)
  assert.deepEqual(await files.changes(), ['modify_file config/mainsail.cfg'])
  rmSync(join(rig.paths.config, 'mainsail.cfg'))
  assert.deepEqual(await files.changes(), ['delete_file config/mainsail.cfg'])
})

test('loops end, and each folder is listed once', async () => {
  await using files = await openWithLinks()
  const { outside, at, rig } = files
  symlinkSync(rig.paths.gcodes, join(outside, 'usb', 'root'))
  symlinkSync(outside, join(outside, 'usb', 'above'))
  symlinkSync(join(outside, 'usb'), at('USB2'))
  symlinkSync('/', at('everything'))
  symlinkSync('self.gcode', at('self.gcode'))
  mkdirSync(at('own'))
  writeFileSync(at('own', 'c.gcode'), 'G28')
  assert.deepEqual(await pathsOf(files), ['USB/a.gcode', 'USB/sub/b.gcode', 'own/c.gcode'])
  const { dirs } = (await files.call('get_directory', { path: 'gcodes' })) as Listing
  assert.deepEqual(dirs.map(({ dirname }) => dirname).sort(), ['USB', 'USB2', 'everything', 'own'])
  const second = (await files.call('get_directory', { path: 'gcodes/USB2' })) as Listing
  assert.deepEqual(
    second.files.map(({ filename }) => filename),
    ['a.gcode'],
  )
  const again = (await files.call('get_directory', { path: 'gcodes/USB/above/usb/root/own' })) as Listing
  assert.deepEqual(
    again.files.map(({ filename }) => filename),
    ['c.gcode'],
  )
  const loop = Array.from({ length: 90 }, () => 'root/USB').join('/')
  const { message } = await files.refusal('get_directory', { path: `gcodes/USB/${loop}` })
  assert.match(message, /too long/)
})

test('a link to a missing folder does not stop the start, and its folder is served when it exists', async () => {
  let target = ''
  await using rig = await startRig({
    printer: 'none',
    prepare: ({ data, gcodes }) => {
      target = join(data, 'media', 'stick')
      mkdirSync(gcodes, { recursive: true })
      symlinkSync(target, join(gcodes, 'USB'))
    },
  })
  const list = async () => (await sendRequest(rig.port, '/server/files/list')).json.result
  assert.deepEqual(await list(), [])
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/USB/a.gcode')).status, 404)
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'a.gcode'), 'G28')
  assert.deepEqual(
    (await list()).map(({ path }: { path: string }) => path),
    ['USB/a.gcode'],
  )
  rmSync(target, { recursive: true })
  assert.deepEqual(await list(), [])
})

test('a relative link can be renamed, but not moved to where it leads elsewhere', async () => {
  await using files = await openFileClient()
  writeFileSync(join(files.rig.dataPath, 'x.gcode'), 'G28')
  symlinkSync('../x.gcode', files.at('link.gcode'))
  mkdirSync(files.at('sub'))
  await files.call('move', { source: 'gcodes/link.gcode', dest: 'gcodes/renamed.gcode' })
  const { code, message } = await files.refusal('move', {
    source: 'gcodes/renamed.gcode',
    dest: 'gcodes/sub',
  })
  assert.deepEqual([code, /relative link/.test(message)], [400, true])
})

test("the server's own files are reserved through links and as hard links", async t => {
  await using files = await openFileClient()
  const { rig, at, call } = files
  const { paths } = rig
  writeFileSync(paths.secrets, 'password: secret')
  writeFileSync(paths.certificateKey, 'secret key')
  writeFileSync(at('own.gcode'), 'G28')
  const reserved = [join(paths.database, 'moonraker-sql.db'), paths.secrets, paths.certificateKey]
  reserved.forEach((path, index) => {
    linkSync(path, at(`hard-${index}.gcode`))
    symlinkSync(path, at(`soft-${index}.gcode`))
  })
  linkSync(at('own.gcode'), at('second.gcode'))
  symlinkSync(paths.database, at('database'))
  symlinkSync(paths.data, at('data'))
  assert.deepEqual((await pathsOf(files)).sort(), ['own.gcode', 'second.gcode'])
  const { files: entries } = (await call('get_directory', { path: 'gcodes' })) as Listing
  assert.deepEqual(entries.map(({ filename }) => filename).sort(), ['own.gcode', 'second.gcode'])
  const names = ['hard-0', 'hard-1', 'hard-2', 'soft-0', 'soft-1', 'soft-2'].map(name => `${name}.gcode`)
  for (const name of [...names, 'database/moonraker-sql.db', 'data/moonraker.secrets']) {
    await t.test(name, async () => {
      const { status, body } = await sendRequest(rig.port, `/server/files/gcodes/${name}`)
      assert.equal(status, 403)
      assert.doesNotMatch(body, /secret (key)?$/)
      for (const [method, params] of [
        ['copy', { source: `gcodes/${name}`, dest: 'gcodes/stolen' }],
        ['move', { source: `gcodes/${name}`, dest: 'gcodes/stolen' }],
        ['move', { source: 'gcodes/own.gcode', dest: `gcodes/${name}` }],
        ['zip', { items: [`gcodes/${name}`] }],
        ['zip', { items: ['gcodes/own.gcode'], dest: `gcodes/${name}` }],
        ['delete_file', { path: `gcodes/${name}` }],
        ['metadata', { filename: name }],
      ] as [string, object][])
        assert.equal((await files.refusal(method, params)).code, 403, `${method} ${JSON.stringify(params)}`)
      assert.equal((await upload(rig.port, name, 'x')).status, 403)
    })
  }
  await call('copy', { source: 'gcodes/data/config', dest: 'gcodes/copied' })
  assert.deepEqual(readdirSync(at('copied')), ['moonraker.conf'])
  await call('zip', { items: ['gcodes'], dest: 'config/all.zip' })
  const archive = readFileSync(join(paths.config, 'all.zip'), 'latin1')
  assert.ok(!archive.includes('hard-') && !archive.includes('soft-'))
})
