// Extraction of archives from the internet: names, modes, damage, and sizes.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { extractZip } from '../../../../src/components/update-manager/archive/zip.ts'
import { type ZipEntry, zipOf } from '../../../support/zip-of.ts'

/** Archives with random changes. */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 50)

/** A folder with an archive in it. */
function scene(t: TestContext, archive: Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'zip-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'archive.zip')
  writeFileSync(file, archive)
  const target = join(folder, 'target')
  return { folder, target, extract: () => extractZip(file, target, new AbortController().signal) }
}

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

test('an archive is extracted with the modes of its entries', async t => {
  const { target, extract } = scene(
    t,
    zipOf([
      { name: 'index.html', content: '<p>hello</p>' },
      { name: 'bin/run.sh', content: '#!/bin/sh', mode: 0o100755 },
      { name: 'secret.txt', content: 'x', mode: 0o100640 },
      { name: 'set-user-id', content: 'x', mode: 0o104755 },
      { name: 'unreadable.txt', content: 'x', mode: 0o100000 },
      { name: 'without-mode.txt', content: 'x', mode: 0 },
      { name: 'empty/' },
    ]),
  )
  await extract()
  assert.equal(readFileSync(join(target, 'index.html'), 'utf8'), '<p>hello</p>')
  const mode = (name: string) => statSync(join(target, name)).mode & 0o7777
  assert.equal(mode('bin/run.sh'), 0o755)
  assert.equal(mode('secret.txt'), 0o640)
  assert.equal(mode('set-user-id'), 0o755)
  assert.equal(mode('unreadable.txt'), 0o644)
  assert.equal(mode('without-mode.txt'), 0o644)
  assert.equal(mode('empty'), 0o755)
})

test('no entry leaves the folder', async t => {
  const names = ['../evil.txt', '/absolute.txt', 'a/../../up.txt', '..\\back.txt', './here.txt', '../']
  const { folder, target, extract } = scene(t, zipOf(names.map(name => ({ name, content: 'x' }))))
  await extract()
  assert.deepEqual(files(target), ['a/up.txt', 'absolute.txt', 'back.txt', 'evil.txt', 'here.txt'])
  assert.deepEqual(readdirSync(folder).sort(), ['archive.zip', 'target'])
  assert.ok(!existsSync(join(tmpdir(), 'evil.txt')))
})

const rejected: readonly [title: string, entries: readonly ZipEntry[], message: RegExp][] = [
  ['a symbolic link', [{ name: 'link', content: '/etc', mode: 0o120777 }], /neither file nor folder: "link"/],
  [
    'a symbolic link and a file behind it',
    [
      { name: 'out', content: '/tmp', mode: 0o120777 },
      { name: 'out/file', content: '1' },
    ],
    /neither file nor folder: "out"/,
  ],
  ['a device', [{ name: 'tty', content: '', mode: 0o020666 }], /neither file nor folder: "tty"/],
  [
    'two entries with one name',
    [
      { name: 'a', content: '1' },
      { name: './a', content: '2' },
    ],
    /same name/,
  ],
  [
    'a file in the place of a folder',
    [
      { name: 'a', content: '1' },
      { name: 'a/b', content: '2' },
    ],
    /same name/,
  ],
  [
    'a folder in the place of a file',
    [
      { name: 'a/b', content: '1' },
      { name: 'a', content: '2' },
    ],
    /same name/,
  ],
  ['a name that is too long', [{ name: `${'x'.repeat(300)}.txt`, content: '1' }], /too long/],
  ['a path that is too long', [{ name: 'x/'.repeat(600) }], /invalid name/],
  ['folders nested too deeply', [{ name: `${'x/'.repeat(40)}y`, content: '1' }], /invalid name/],
  ['a NUL in a name', [{ name: 'a\0b', content: '1' }], /invalid name/],
  ['nothing', [], /contains no files/],
  ['folders only', [{ name: 'a/' }], /contains no files/],
  [
    'content of many times its size',
    [{ name: 'zeros', content: Buffer.alloc(80 * 1024 * 1024) }],
    /too large/,
  ],
]
for (const [title, entries, message] of rejected) {
  test(`an archive with ${title} is rejected`, async t => {
    const { extract } = scene(t, zipOf(entries))
    await assert.rejects(extract(), { name: 'ArchiveError', message })
  })
}

test('an archive with 100,000 entries is rejected before anything is written', async t => {
  const entries = Array.from({ length: 100_000 }, (_, number) => ({ name: `${number}`, stored: true }))
  const { target, extract } = scene(t, zipOf(entries))
  await assert.rejects(extract(), { name: 'ArchiveError', message: 'The archive has too many entries' })
  assert.ok(!existsSync(target))
})

test('an encrypted archive is rejected', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello' }])
  for (const flags of [6, archive.indexOf('PK\x01\x02') + 8])
    archive.writeUInt16LE(archive.readUInt16LE(flags) | 1, flags)
  await assert.rejects(scene(t, archive).extract(), { name: 'ArchiveError', message: /encrypted/ })
})

test('sizes and checksum may follow the content', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello' }])
  archive.writeUInt16LE(archive.readUInt16LE(6) | 8, 6)
  archive.fill(0, 14, 26)
  const { target, extract } = scene(t, archive)
  await extract()
  assert.equal(readFileSync(join(target, 'a.txt'), 'utf8'), 'hello')
})

test('bytes that are changed at random never lead outside, and are errors of the archive', async t => {
  const original = zipOf([
    { name: 'index.html', content: 'hello '.repeat(100) },
    { name: 'folder/' },
    { name: 'folder/stored.bin', content: Buffer.alloc(300, 7), stored: true },
  ])
  for (let round = 0; round < ROUNDS; round += 1) {
    const archive = Buffer.from(original)
    for (let change = 0; change <= round % 4; change += 1) archive[randomInt(archive.length)] = randomInt(256)
    const { folder, extract } = scene(t, archive)
    await extract().catch((error: Error) =>
      assert.equal(error.name, 'ArchiveError', archive.toString('base64')),
    )
    for (const name of readdirSync(folder)) assert.ok(['archive.zip', 'target'].includes(name), name)
  }
})

test('a wrong checksum is found', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello', stored: true }])
  archive.write('HELLO', archive.indexOf('hello'))
  await assert.rejects(scene(t, archive).extract(), {
    name: 'ArchiveError',
    message: /checksum of "a\.txt" is wrong/,
  })
})

test('an entry without its header is found, and no file stays open', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello' }])
  archive.write('XX', archive.indexOf('PK\x03\x04'))
  const { target, extract } = scene(t, archive)
  await assert.rejects(extract(), { name: 'ArchiveError', message: /damaged/ })
  assert.ok(!existsSync(join(target, 'a.txt')))
})

test('an archive that is cut off is found', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello'.repeat(1000) }])
  const cut = archive.subarray(0, archive.length - 40)
  await assert.rejects(scene(t, cut).extract(), { name: 'ArchiveError', message: 'File is not a zip file' })
})

test('another file is no archive', async t => {
  const page = Buffer.from('<html>Not Found</html>'.repeat(100))
  await assert.rejects(scene(t, page).extract(), { name: 'ArchiveError', message: 'File is not a zip file' })
})

test('a lie about the size of an entry is found', async t => {
  const archive = zipOf([{ name: 'a.txt', content: 'hello'.repeat(1000) }])
  const directory = archive.indexOf(Buffer.from('PK\x01\x02'))
  archive.writeUInt32LE(10, directory + 24)
  await assert.rejects(scene(t, archive).extract(), { name: 'ArchiveError', message: /damaged/ })
})
