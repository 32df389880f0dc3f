// The images beside the G-code file.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodePng, encodePng } from '../../../src/components/metadata/image/png.ts'
import type { Thumbnail } from '../../../src/components/metadata/types.ts'
import { useExtractedThumbnail, writeThumbnails } from '../../../src/components/metadata/write-thumbnails.ts'
import { GcodeFolder } from './gcode-folder.ts'
import { writeJpeg, writeQoi } from './image/image-writers.ts'

async function png(width: number, height: number): Promise<Thumbnail> {
  const rows = Array.from({ length: height }, (_, y) => new Uint8Array(width * 4).fill(y))
  return { width, height, format: 'png', data: await encodePng({ width, height, rows }) }
}

const shape = (entries: { width: number; height: number; relative_path: string }[]) =>
  entries.map(({ width, height, relative_path }) => `${width}x${height} ${relative_path}`)

test('PNG stays as it is, a miniature of the largest file comes first', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('my part.v2.gcode', '')
  const [small, large] = [await png(16, 16), await png(64, 48)]
  const { entries, notes } = await writeThumbnails(path, [small, large])
  assert.deepEqual(shape(entries), [
    '32x24 .thumbs/my part.v2-32x32.png',
    '16x16 .thumbs/my part.v2-16x16.png',
    '64x48 .thumbs/my part.v2-64x48.png',
  ])
  assert.deepEqual(notes, [])
  for (const { relative_path, size } of entries)
    assert.equal(statSync(join(folder.path, relative_path)).size, size)
  assert.deepEqual(readFileSync(join(folder.path, entries[2]!.relative_path)), large.data)
  assert.equal(readdirSync(join(folder.path, '.thumbs')).length, 3)
})

test('no miniature when there is one of 32x32', async () => {
  using folder = new GcodeFolder()
  const { entries } = await writeThumbnails(folder.write('a.gcode', ''), [
    await png(64, 64),
    await png(32, 32),
  ])
  assert.deepEqual(shape(entries), ['64x64 .thumbs/a-64x64.png', '32x32 .thumbs/a-32x32.png'])
})

test('QOI becomes PNG, JPEG stays and gives a miniature', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  const qoi: Thumbnail = { width: 40, height: 20, format: 'qoi', data: writeQoi(40, 20, x => [x, 0, 0, 255]) }
  const first = await writeThumbnails(path, [qoi])
  assert.deepEqual(shape(first.entries), ['32x16 .thumbs/a-32x32.png', '40x20 .thumbs/a-40x20.png'])
  assert.equal(decodePng(readFileSync(join(folder.path, '.thumbs/a-40x20.png'))).width, 40)
  const data = writeJpeg(64, 64, { across: 1, down: 1 }, (_, x) => 10 * x)
  const second = await writeThumbnails(path, [{ width: 64, height: 64, format: 'jpg', data }])
  assert.deepEqual(shape(second.entries), ['32x32 .thumbs/a-32x32.png', '64x64 .thumbs/a-64x64.jpg'])
})

test('damaged images: PNG is kept without a miniature, QOI is left out', async () => {
  using folder = new GcodeFolder()
  const data = Buffer.from('not an image')
  const { entries, notes } = await writeThumbnails(folder.write('a.gcode', ''), [
    { width: 8, height: 8, format: 'png', data },
    { width: 9, height: 9, format: 'qoi', data },
  ])
  assert.deepEqual(shape(entries), ['8x8 .thumbs/a-8x8.png'])
  assert.deepEqual(notes, ['thumbnail 9x9: not a QOI image', 'thumbnail miniature: not a PNG image'])
})

test('nothing is created without images', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  assert.deepEqual(await writeThumbnails(path, []), { entries: [], notes: [] })
  assert.equal(existsSync(join(folder.path, '.thumbs')), false)
})

test('the image that a Cura package left is used', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  assert.deepEqual((await useExtractedThumbnail(path)).entries, [])
  mkdirSync(join(folder.path, '.thumbs'))
  writeFileSync(join(folder.path, '.thumbs/a.png'), (await png(100, 50)).data)
  const { entries } = await useExtractedThumbnail(path)
  assert.deepEqual(shape(entries), ['32x16 .thumbs/a-32x32.png', '100x50 .thumbs/a.png'])
})

test('a folder that cannot be made rejects with the error of the system', async () => {
  using folder = new GcodeFolder()
  folder.write('.thumbs', 'a file')
  await assert.rejects(writeThumbnails(folder.write('a.gcode', ''), [await png(8, 8)]), { code: 'EEXIST' })
})
