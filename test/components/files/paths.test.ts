import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { type FileClient, NO_LINKS, openFileClient } from './file-client.ts'

/** Parameters that lead out of a root. */
const ESCAPES = [
  'gcodes/../secret.txt',
  'gcodes/../../secret.txt',
  'gcodes/./../secret.txt',
  '../secret.txt',
  '/etc/passwd',
  'gcodes//../secret.txt',
  'gcodes/out/secret.txt',
  'gcodes/out',
  'gcodes/away.gcode',
  'gcodes/nowhere/new.gcode',
  'gcodes/loop/x',
  'gcodes/inner/../../secret.txt',
  `gcodes/${'a'.repeat(256)}`,
  `gcodes/${'a/'.repeat(3000)}x`,
  'gcodes/a\0.gcode',
  '..\\secret.txt',
  'gcodes/．．/secret.txt/x/y',
  'gcodes/%2e%2e/secret.txt/x/y',
  'gcodes/.uploads/x',
]

/** Each parameter that takes a path, in a harmful call. */
const CALLS: readonly [string, (path: string) => object][] = [
  ['get_directory', path => ({ path })],
  ['post_directory', path => ({ path })],
  ['delete_directory', path => ({ path, force: true })],
  ['delete_file', path => ({ path })],
  ['move', path => ({ source: path, dest: 'gcodes/stolen' })],
  ['move', path => ({ source: 'gcodes/victim.gcode', dest: path })],
  ['copy', path => ({ source: path, dest: 'gcodes/stolen' })],
  ['copy', path => ({ source: 'gcodes/victim.gcode', dest: path })],
  ['metadata', path => ({ filename: path.replace(/^gcodes\//, '') })],
  ['metascan', path => ({ filename: path.replace(/^gcodes\//, '') })],
]

async function openWithLinks(): Promise<FileClient & { readonly outside: string }> {
  const fileClient = await openFileClient({ conf: NO_LINKS })
  const outside = mkdtempSync(join(tmpdir(), 'outside-'))
  writeFileSync(join(outside, 'secret.txt'), 'secret')
  writeFileSync(join(fileClient.rig.dataPath, 'secret.txt'), 'secret')
  mkdirSync(fileClient.at('inner'))
  writeFileSync(fileClient.at('victim.gcode'), 'G28')
  symlinkSync(outside, fileClient.at('out'))
  symlinkSync(join(outside, 'secret.txt'), fileClient.at('away.gcode'))
  symlinkSync(join(outside, 'new'), fileClient.at('nowhere'))
  symlinkSync('loop', fileClient.at('loop'))
  return Object.assign(fileClient, { outside })
}

test('no path in any parameter leads out of a root', async t => {
  await using fileClient = await openWithLinks()
  const { outside, rig, at } = fileClient
  for (const [method, params] of CALLS) {
    for (const path of ESCAPES) {
      await t.test(`${method} ${JSON.stringify(params(path)).slice(0, 100)}`, async () => {
        const { code } = await fileClient.refusal(method, params(path))
        assert.ok([400, 403, 405, -32601].includes(code), `${code}`)
      })
    }
  }
  assert.deepEqual(readdirSync(outside), ['secret.txt'])
  assert.equal(readFileSync(join(outside, 'secret.txt'), 'utf8'), 'secret')
  assert.equal(readFileSync(join(rig.dataPath, 'secret.txt'), 'utf8'), 'secret')
  assert.deepEqual(readdirSync(rig.paths.gcodes).sort(), [
    'away.gcode',
    'inner',
    'loop',
    'nowhere',
    'out',
    'victim.gcode',
  ])
  assert.equal(readFileSync(at('victim.gcode'), 'utf8'), 'G28')
  rmSync(outside, { recursive: true })
})

test('no encoding of a path in a URL leads out of a root', async t => {
  await using fileClient = await openWithLinks()
  const paths = [
    '/server/files/gcodes/../secret.txt',
    '/server/files/gcodes/%2e%2e/secret.txt',
    '/server/files/gcodes/%2e%2e%2fsecret.txt',
    '/server/files/gcodes/%252e%252e/secret.txt',
    '/server/files/gcodes/..%5csecret.txt',
    '/server/files/gcodes/..%c0%afsecret.txt',
    '/server/files/gcodes/out/secret.txt',
    '/server/files/gcodes/away.gcode',
    '/server/files/gcodes/%00',
    '/server/files/config/../database/moonraker-sql.db',
  ]
  for (const path of paths) {
    for (const verb of ['GET', 'DELETE']) {
      await t.test(`${verb} ${path}`, async () => {
        const reply = await sendRequest(fileClient.rig.port, path, { verb })
        assert.ok([400, 403, 404, 405].includes(reply.status), `${reply.status}`)
        assert.doesNotMatch(reply.body, /secret$/)
      })
    }
  }
  assert.equal(readFileSync(join(fileClient.rig.dataPath, 'secret.txt'), 'utf8'), 'secret')
  assert.equal(readFileSync(join(fileClient.outside, 'secret.txt'), 'utf8'), 'secret')
  rmSync(fileClient.outside, { recursive: true })
})

test('database, secrets, certificates and backups are reserved, even if a root contains them', async t => {
  await using fileClient = await openFileClient()
  const { rig } = fileClient
  const { paths } = rig
  writeFileSync(paths.secrets, 'password')
  writeFileSync(join(paths.certs, 'moonraker.key'), 'key')
  const backup = join(paths.config, '.moonraker.conf.bkp')
  writeFileSync(backup, 'last good')
  rmSync(paths.gcodes, { recursive: true })
  // The worst case: a root that is the data folder itself.
  symlinkSync(paths.data, paths.gcodes)
  const reserved = ['database', 'moonraker.secrets', 'certs', 'certs/moonraker.key', 'backup', 'comms']
  const listed = async (path: string) => {
    const { dirs, files } = (await fileClient.call('get_directory', { path })) as {
      dirs: { dirname: string }[]
      files: { filename: string }[]
    }
    return [...dirs.map(({ dirname }) => dirname), ...files.map(({ filename }) => filename)].sort()
  }
  // The server may have noticed that the folder was removed, and not yet its replacement.
  const look = { path: 'gcodes' }
  while ((await fileClient.client.call('server.files.get_directory', look)).error !== undefined);
  const seen = await listed('gcodes')
  assert.ok(seen.includes('config') && seen.includes('logs'))
  assert.deepEqual(
    reserved.filter(name => seen.includes(name)),
    [],
  )
  assert.deepEqual(await listed('config'), ['moonraker.conf'])
  for (const path of [...reserved.map(each => `gcodes/${each}`), 'config/.moonraker.conf.bkp']) {
    for (const [method, params] of CALLS) {
      await t.test(`${method} ${JSON.stringify(params(path))}`, async () => {
        const { code } = await fileClient.refusal(method, params(path))
        assert.ok([400, 403, -32601].includes(code), `${code}`)
      })
    }
    const { status } = await sendRequest(rig.port, `/server/files/${path}`)
    assert.equal(status, 403, path)
  }
  await fileClient.call('copy', { source: 'gcodes/config', dest: 'gcodes/copied' })
  assert.deepEqual(readdirSync(join(paths.data, 'copied')), ['moonraker.conf'])
  const { code } = await fileClient.refusal('delete_directory', { path: 'gcodes/config', force: true })
  assert.equal(code, 403)
  assert.equal(readFileSync(backup, 'utf8'), 'last good')
  assert.equal(readFileSync(paths.secrets, 'utf8'), 'password')
})

test('every valid file name works in every operation', async t => {
  await using fileClient = await openFileClient()
  const names = [
    'it\'s "quoted".gcode',
    'two\nlines.gcode',
    'tab\tbell\u0007.gcode',
    '🖨️ emoji.gcode',
    'percent%2e%2e%2f.gcode',
    'question?hash#plus+.gcode',
    'back\\slash.gcode',
    ' leading and trailing .gcode ',
    '-rf',
    '...',
    '__proto__',
    'constructor',
    'e\u0301 decomposed.gcode',
    '\u202e right to left.gcode',
    `${'ä'.repeat(124)}.gcode.`.slice(0, 127),
    `${'x'.repeat(249)}.gcode`,
  ]
  for (const name of names) {
    await t.test(JSON.stringify(name).slice(0, 60), async () => {
      writeFileSync(fileClient.at('source'), 'G28')
      await fileClient.call('move', { source: 'gcodes/source', dest: `gcodes/${name}` })
      assert.deepEqual(readdirSync(fileClient.rig.paths.gcodes), [name])
      const { files } = (await fileClient.call('get_directory', { path: 'gcodes' })) as {
        files: { filename: string }[]
      }
      assert.deepEqual(
        files.map(({ filename }) => filename),
        [name],
      )
      const path = `/server/files/gcodes/${encodeURIComponent(name)}`
      assert.equal((await sendRequest(fileClient.rig.port, path)).body, 'G28')
      await fileClient.call('delete_file', { path: `gcodes/${name}` })
      await fileClient.call('post_directory', { path: `gcodes/${name}` })
      await fileClient.call('delete_directory', { path: `gcodes/${name}` })
      assert.deepEqual(readdirSync(fileClient.rig.paths.gcodes), [])
    })
  }
})

test('a name that is not valid text is ignored', async () => {
  await using fileClient = await openFileClient()
  writeFileSync(
    Buffer.concat([Buffer.from(`${fileClient.rig.paths.gcodes}/`), Buffer.from([0xe4, 0xf6])]),
    'latin-1',
  )
  writeFileSync(fileClient.at('x.gcode'), 'G28')
  const { files } = (await fileClient.call('get_directory', { path: 'gcodes' })) as {
    files: { filename: string }[]
  }
  assert.deepEqual(
    files.map(({ filename }) => filename),
    ['x.gcode'],
  )
})
