// The replacement of an installation, and what the next start makes of one that a crash interrupted.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exchangePaths } from '../../../../src/components/update-manager/archive/exchange.ts'
import { type Exchange, Replacement } from '../../../../src/components/update-manager/archive/replacement.ts'
import { FileLock } from '../../../../src/storage/index.ts'

const cannotExchange: Exchange = () => Promise.resolve(false)
const ways: readonly [name: string, exchange: Exchange][] = [
  ['in one step', exchangePaths],
  ['in two steps', cannotExchange],
]

/** An installation of version 1 with a previous version 0; versions are folders with a file `version`. */
function scene(t: TestContext, exchange: Exchange = exchangePaths) {
  const folder = mkdtempSync(join(tmpdir(), 'replacement-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'app')
  const replacement = new Replacement(path, exchange)
  const write = (place: string, version: string) => {
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'version'), version)
  }
  write(path, '1')
  write(replacement.previous, '0')
  const read = (place: string) =>
    existsSync(join(place, 'version')) ? readFileSync(join(place, 'version'), 'utf8') : null
  return {
    path,
    replacement,
    write,
    outgoing: join(replacement.folder, 'outgoing'),
    journal: (content: object) =>
      writeFileSync(join(replacement.folder, 'journal.json'), JSON.stringify(content)),
    inode: (place: string) => String(statSync(place).ino),
    assertVersions: (installed: string, previous: string | null) => {
      assert.deepEqual([read(path), read(replacement.previous)], [installed, previous])
      for (const rest of ['incoming', 'outgoing', 'journal.json'])
        assert.ok(!existsSync(join(replacement.folder, rest)), `${rest} is left`)
    },
  }
}

test('this machine can exchange two paths', async t => {
  const { path, write, replacement } = scene(t)
  write(replacement.incoming, '2')
  assert.equal(await exchangePaths(path, replacement.incoming), true)
  assert.equal(readFileSync(join(path, 'version'), 'utf8'), '2')
  await assert.rejects(exchangePaths(path, join(path, 'missing')), { code: 'ENOENT' })
})

for (const [way, exchange] of ways) {
  test(`a folder is replaced ${way}, and the previous one is kept`, async t => {
    const { replacement, write, assertVersions } = scene(t, exchange)
    await replacement.prepare()
    write(replacement.incoming, '2')
    await replacement.replaceFolder('incoming')
    assertVersions('2', '1')
    await replacement.repair()
    assertVersions('2', '1')
  })

  test(`the previous version returns ${way}`, async t => {
    const { replacement, assertVersions } = scene(t, exchange)
    await replacement.replaceFolder('previous')
    assertVersions('0', '1')
    await replacement.replaceFolder('previous')
    assertVersions('1', '0')
  })
}

test('single files are replaced, others stay', async t => {
  const { path, replacement, write, assertVersions } = scene(t)
  writeFileSync(join(path, 'log'), 'mine')
  await replacement.prepare()
  write(replacement.incoming, '2')
  await replacement.replaceFiles()
  assertVersions('2', '1')
  assert.equal(readFileSync(join(path, 'log'), 'utf8'), 'mine')
  assert.ok(!existsSync(join(replacement.previous, 'log')))
})

test('a replacement that is not possible leaves everything as it was', async t => {
  const failing: Exchange = () => Promise.reject(new Error('EBUSY: exchange'))
  const { replacement, write, assertVersions } = scene(t, failing)
  write(replacement.incoming, '2')
  await assert.rejects(replacement.replaceFolder('incoming'), /EBUSY/)
  await replacement.repair()
  assertVersions('1', '0')
})

type Scene = ReturnType<typeof scene>
type Crash = readonly [
  when: string,
  state: (scene: Scene) => void,
  installed: string,
  previous: string | null,
]
const crashes: readonly Crash[] = [
  [
    'before the new version is complete',
    ({ write, replacement }) => write(replacement.incoming, '2'),
    '1',
    '0',
  ],
  [
    'after the journal is written',
    ({ write, replacement, journal, inode }) => {
      write(replacement.incoming, '2')
      journal({ kind: 'folder', source: 'incoming', inode: inode(replacement.incoming) })
    },
    '1',
    '0',
  ],
  [
    'after the exchange',
    ({ path, write, replacement, journal, inode }) => {
      write(replacement.incoming, '1')
      write(path, '2')
      journal({ kind: 'folder', source: 'incoming', inode: inode(path) })
    },
    '2',
    '1',
  ],
  [
    'between the two steps',
    ({ path, write, replacement, outgoing, journal, inode }) => {
      write(replacement.incoming, '2')
      write(outgoing, '1')
      rmSync(path, { recursive: true })
      journal({ kind: 'folder', source: 'incoming', inode: inode(replacement.incoming) })
    },
    '2',
    '1',
  ],
  [
    'after the previous version was removed',
    ({ path, write, replacement, outgoing, journal, inode }) => {
      write(path, '2')
      write(outgoing, '1')
      rmSync(replacement.previous, { recursive: true })
      journal({ kind: 'folder', source: 'incoming', inode: inode(path) })
    },
    '2',
    '1',
  ],
  [
    'between the two steps to the previous version',
    ({ path, write, replacement, outgoing, journal, inode }) => {
      write(outgoing, '1')
      rmSync(path, { recursive: true })
      journal({ kind: 'folder', source: 'previous', inode: inode(replacement.previous) })
    },
    '0',
    '1',
  ],
  [
    'while files are moved',
    ({ write, replacement, outgoing, journal }) => {
      write(replacement.incoming, '2')
      write(outgoing, '1')
      journal({ kind: 'files' })
    },
    '2',
    '1',
  ],
  ['while the previous files are copied', ({ write, outgoing }) => write(outgoing, 'half'), '1', '0'],
]
for (const [when, state, installed, previous] of crashes) {
  test(`a crash ${when} is repaired`, async t => {
    const here = scene(t)
    state(here)
    await here.replacement.repair()
    here.assertVersions(installed, previous)
    await here.replacement.prepare()
    here.write(here.replacement.incoming, '3')
    await here.replacement.replaceFolder('incoming')
    here.assertVersions('3', installed)
  })
}

test('two servers do not update one installation at the same time', async t => {
  const { replacement, write, assertVersions } = scene(t)
  const lock = FileLock.take(join(replacement.folder, 'lock'))
  write(replacement.incoming, 'half')
  await replacement.repair()
  assert.ok(existsSync(replacement.incoming))
  await assert.rejects(replacement.prepare(), { message: 'Another server updates this installation' })
  lock?.release()
  await replacement.prepare()
  write(replacement.incoming, '2')
  await replacement.replaceFolder('incoming')
  assertVersions('2', '1')
})

test('the repair of an installation without updates creates nothing', async t => {
  const { replacement } = scene(t)
  rmSync(replacement.folder, { recursive: true })
  await replacement.repair()
  assert.ok(!existsSync(replacement.folder))
})
