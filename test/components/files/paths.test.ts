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
import { ask } from '../../support/raw-http.ts'
import { openPanel, type Panel } from './file-panel.ts'

/** What leads out of a root, as it stands in a parameter. */
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

/** Each parameter that takes a path, and a call that would do harm with it. */
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

async function openTrap(): Promise<Panel & { readonly outside: string }> {
  const panel = await openPanel()
  const outside = mkdtempSync(join(tmpdir(), 'outside-'))
  writeFileSync(join(outside, 'secret.txt'), 'secret')
  writeFileSync(join(panel.rig.dataPath, 'secret.txt'), 'secret')
  mkdirSync(panel.at('inner'))
  writeFileSync(panel.at('victim.gcode'), 'G28')
  symlinkSync(outside, panel.at('out'))
  symlinkSync(join(outside, 'secret.txt'), panel.at('away.gcode'))
  symlinkSync(join(outside, 'new'), panel.at('nowhere'))
  symlinkSync('loop', panel.at('loop'))
  return Object.assign(panel, { outside })
}

test('no path leads out of a root, in no parameter', async t => {
  await using panel = await openTrap()
  const { outside, rig, at } = panel
  for (const [method, params] of CALLS) {
    for (const path of ESCAPES) {
      await t.test(`${method} ${JSON.stringify(params(path)).slice(0, 100)}`, async () => {
        const { code } = await panel.refusal(method, params(path))
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

test('no encoding of a path leads out of a root over HTTP', async t => {
  await using panel = await openTrap()
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
        const reply = await ask(panel.rig.port, path, { verb })
        assert.ok([400, 403, 404, 405].includes(reply.status), `${reply.status}`)
        assert.doesNotMatch(reply.body, /secret$/)
      })
    }
  }
  assert.equal(readFileSync(join(panel.rig.dataPath, 'secret.txt'), 'utf8'), 'secret')
  assert.equal(readFileSync(join(panel.outside, 'secret.txt'), 'utf8'), 'secret')
  rmSync(panel.outside, { recursive: true })
})

test('database, secrets, certificates and backups are out of reach, even where a root holds them', async t => {
  await using panel = await openPanel()
  const { rig } = panel
  const { paths } = rig
  writeFileSync(paths.secrets, 'password')
  writeFileSync(join(paths.certs, 'moonraker.key'), 'key')
  const backup = join(paths.config, '.moonraker.conf.bkp')
  writeFileSync(backup, 'last good')
  rmSync(paths.gcodes, { recursive: true })
  // The worst that a user can do: a root that is the data folder itself.
  symlinkSync(paths.data, paths.gcodes)
  const reserved = ['database', 'moonraker.secrets', 'certs', 'certs/moonraker.key', 'backup', 'comms']
  const listed = async (path: string) => {
    const { dirs, files } = (await panel.call('get_directory', { path })) as {
      dirs: { dirname: string }[]
      files: { filename: string }[]
    }
    return [...dirs.map(({ dirname }) => dirname), ...files.map(({ filename }) => filename)].sort()
  }
  // The server may have seen that the folder is gone, and not yet what came in its place.
  const look = { path: 'gcodes' }
  while ((await panel.client.call('server.files.get_directory', look)).error !== undefined);
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
        const { code } = await panel.refusal(method, params(path))
        assert.ok([400, 403, -32601].includes(code), `${code}`)
      })
    }
    const { status } = await ask(rig.port, `/server/files/${path}`)
    assert.equal(status, 403, path)
  }
  await panel.call('copy', { source: 'gcodes/config', dest: 'gcodes/copied' })
  assert.deepEqual(readdirSync(join(paths.data, 'copied')), ['moonraker.conf'])
  const { code } = await panel.refusal('delete_directory', { path: 'gcodes/config', force: true })
  assert.equal(code, 403)
  assert.equal(readFileSync(backup, 'utf8'), 'last good')
  assert.equal(readFileSync(paths.secrets, 'utf8'), 'password')
})

test('every name that a file can have works in every operation', async t => {
  await using panel = await openPanel()
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
      writeFileSync(panel.at('source'), 'G28')
      await panel.call('move', { source: 'gcodes/source', dest: `gcodes/${name}` })
      assert.deepEqual(readdirSync(panel.rig.paths.gcodes), [name])
      const { files } = (await panel.call('get_directory', { path: 'gcodes' })) as {
        files: { filename: string }[]
      }
      assert.deepEqual(
        files.map(({ filename }) => filename),
        [name],
      )
      const path = `/server/files/gcodes/${encodeURIComponent(name)}`
      assert.equal((await ask(panel.rig.port, path)).body, 'G28')
      await panel.call('delete_file', { path: `gcodes/${name}` })
      await panel.call('post_directory', { path: `gcodes/${name}` })
      await panel.call('delete_directory', { path: `gcodes/${name}` })
      assert.deepEqual(readdirSync(panel.rig.paths.gcodes), [])
    })
  }
})

test('a name that is no text is passed over', async () => {
  await using panel = await openPanel()
  writeFileSync(
    Buffer.concat([Buffer.from(`${panel.rig.paths.gcodes}/`), Buffer.from([0xe4, 0xf6])]),
    'latin-1',
  )
  writeFileSync(panel.at('x.gcode'), 'G28')
  const { files } = (await panel.call('get_directory', { path: 'gcodes' })) as {
    files: { filename: string }[]
  }
  assert.deepEqual(
    files.map(({ filename }) => filename),
    ['x.gcode'],
  )
})
