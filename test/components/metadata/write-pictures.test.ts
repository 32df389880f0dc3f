// The images next to the G-code file.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { decodePng, encodePng } from '../../../src/components/metadata/image/png.ts'
import type { Thumbnail } from '../../../src/components/metadata/types.ts'
import { packagePicture, writePictures } from '../../../src/components/metadata/write-pictures.ts'
import { GcodeFolder } from './gcode-folder.ts'
import { writeJpeg, writeQoi } from './image/image-writers.ts'
import { progressiveJpeg } from './image/jpeg-samples.ts'

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
  const { entries, notes } = await writePictures(path, [small, large])
  assert.deepEqual(shape(entries), [
    '32x32 .thumbs/my part.v2-32x32.png',
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
  const { entries } = await writePictures(folder.write('a.gcode', ''), [await png(64, 64), await png(32, 32)])
  assert.deepEqual(shape(entries), ['64x64 .thumbs/a-64x64.png', '32x32 .thumbs/a-32x32.png'])
})

test('QOI becomes PNG, JPEG stays and gives a miniature', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  const qoi: Thumbnail = { width: 40, height: 20, format: 'qoi', data: writeQoi(40, 20, x => [x, 0, 0, 255]) }
  const first = await writePictures(path, [qoi])
  assert.deepEqual(shape(first.entries), ['32x32 .thumbs/a-32x32.png', '40x20 .thumbs/a-40x20.png'])
  assert.equal(decodePng(readFileSync(join(folder.path, '.thumbs/a-40x20.png'))).width, 40)
  const data = writeJpeg(64, 64, { across: 1, down: 1 }, (_, x) => 10 * x)
  const second = await writePictures(path, [{ width: 64, height: 64, format: 'jpg', data }])
  assert.deepEqual(shape(second.entries), ['32x32 .thumbs/a-32x32.png', '64x64 .thumbs/a-64x64.jpg'])
})

test('the miniature of an image that is not square has transparent borders', async () => {
  using folder = new GcodeFolder()
  const rows = Array.from({ length: 40 }, () => new Uint8Array(160 * 4).fill(255))
  const data = await encodePng({ width: 160, height: 40, rows })
  await writePictures(folder.write('a.gcode', ''), [{ width: 160, height: 40, format: 'png', data }])
  const image = decodePng(readFileSync(join(folder.path, '.thumbs/a-32x32.png')))
  assert.deepEqual([image.width, image.height], [32, 32])
  const opacities: number[] = []
  for await (const row of image.rows) opacities.push(row[4 * 16 + 3]!)
  assert.deepEqual(opacities, [...Array(12).fill(0), ...Array(8).fill(255), ...Array(12).fill(0)])
})

test('the first bytes of an image decide on its format', async () => {
  using folder = new GcodeFolder()
  const jpeg = writeJpeg(64, 64, { across: 1, down: 1 }, (_, x) => 10 * x)
  const { entries, notes } = await writePictures(folder.write('a.gcode', ''), [
    { width: 40, height: 40, format: 'png', data: writeQoi(40, 40, x => [x, 0, 0, 255]) },
    { width: 64, height: 64, format: 'qoi', data: jpeg },
  ])
  assert.deepEqual(notes, [])
  assert.deepEqual(shape(entries), [
    '32x32 .thumbs/a-32x32.png',
    '40x40 .thumbs/a-40x40.png',
    '64x64 .thumbs/a-64x64.jpg',
  ])
  assert.equal(decodePng(readFileSync(join(folder.path, '.thumbs/a-40x40.png'))).width, 40)
})

test('a progressive JPEG has a miniature', async () => {
  using folder = new GcodeFolder()
  const { entries, notes } = await writePictures(folder.write('a.gcode', ''), [
    { width: 45, height: 35, format: 'jpg', data: progressiveJpeg },
  ])
  assert.deepEqual(notes, [])
  assert.deepEqual(shape(entries), ['32x32 .thumbs/a-32x32.png', '45x35 .thumbs/a-45x35.jpg'])
})

test('damaged images: PNG is kept without a miniature, QOI is left out', async () => {
  using folder = new GcodeFolder()
  const data = Buffer.from('not an image')
  const { entries, notes } = await writePictures(folder.write('a.gcode', ''), [
    { width: 8, height: 8, format: 'png', data },
    { width: 9, height: 9, format: 'qoi', data },
  ])
  assert.deepEqual(shape(entries), ['8x8 .thumbs/a-8x8.png'])
  assert.deepEqual(notes, ['thumbnail 9x9: not a QOI image', 'thumbnail miniature: not a PNG image'])
})

test('nothing is created without images', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  assert.deepEqual(await writePictures(path, []), { entries: [], notes: [] })
  assert.equal(existsSync(join(folder.path, '.thumbs')), false)
})

test('the image of a Cura package is used for the file that came with it', async () => {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', '')
  assert.deepEqual((await packagePicture(path, false)).entries, [])
  mkdirSync(join(folder.path, '.thumbs'))
  const picture = join(folder.path, '.thumbs/a.png')
  writeFileSync(picture, (await png(100, 50)).data)
  utimesSync(path, 1000, 2000)
  assert.deepEqual((await packagePicture(path, false)).entries, [], 'it belongs to another file of that name')
  const expected = ['32x32 .thumbs/a-32x32.png', '100x50 .thumbs/a.png']
  assert.deepEqual(shape((await packagePicture(path, true)).entries), expected)
  utimesSync(picture, 3000, 2000)
  assert.deepEqual(shape((await packagePicture(path, false)).entries), expected)
})

suite('a picture that cannot be written is left out', () => {
  test('no folder', async () => {
    using folder = new GcodeFolder()
    folder.write('.thumbs', 'a file')
    const { entries, notes } = await writePictures(folder.write('a.gcode', ''), [await png(8, 8)])
    assert.deepEqual([entries.length, notes.length], [0, 1])
  })

  test('a name that is too long', async () => {
    using folder = new GcodeFolder()
    const path = folder.write(`${'x'.repeat(246)}.gcode`, '')
    const { entries, notes } = await writePictures(path, [await png(8, 8), await png(300, 300)])
    assert.deepEqual(shape(entries), [`8x8 .thumbs/${'x'.repeat(246)}-8x8.png`])
    assert.match(notes.join(), /thumbnail 300x300: ENAMETOOLONG/)
    assert.deepEqual(readdirSync(join(folder.path, '.thumbs')).length, 1)
  })
})

test('files that differ in their endings only have pictures of their own', async () => {
  using folder = new GcodeFolder()
  const names = ['s.gcode', 's.gco', 's.GCODE', 's.bgcode', 's', '.gcode']
  const paths = await Promise.all(
    names.map(async name => {
      const { entries } = await writePictures(folder.write(name, ''), [await png(8, 8)])
      return entries.at(-1)!.relative_path
    }),
  )
  assert.equal(paths[0], '.thumbs/s-8x8.png')
  assert.equal(new Set(paths).size, names.length - 1, 's and s.gcode share one: only one of them is printed')
})

suite('the budget', () => {
  test('no more pictures than slicers write', async () => {
    using folder = new GcodeFolder()
    const pictures = await Promise.all(Array.from({ length: 20 }, (_, i) => png(33 + i, 40)))
    const { entries, notes } = await writePictures(folder.write('a.gcode', ''), pictures)
    assert.equal(entries.length, 17)
    assert.match(notes[0]!, /more than 16 pictures/)
  })

  test('no more pixels than two large images have', async () => {
    using folder = new GcodeFolder()
    const large = writeQoi(2048, 2048, () => [1, 2, 3, 255])
    const pictures = [1, 2, 3].map(width => ({ width, height: 9, format: 'qoi' as const, data: large }))
    const { entries, notes } = await writePictures(folder.write('a.gcode', ''), pictures)
    assert.deepEqual(
      entries.map(({ width }) => width),
      [32, 1, 2],
    )
    assert.match(notes.join(), /thumbnail 3x9: more than \d+ pixels/)
  })
})
