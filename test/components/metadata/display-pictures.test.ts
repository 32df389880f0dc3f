// Images for the displays of printers: in all their forms, next to ordinary images, and damaged.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { decodePng } from '../../../src/components/metadata/image/png.ts'
import { scanFile } from '../../../src/components/metadata/scan.ts'
import { writePictures } from '../../../src/components/metadata/write-pictures.ts'
import { GcodeFolder } from './gcode-folder.ts'

/** Five bits of red, six of green, five of blue. */
const RED = 0xf800
const GREEN = 0x07e0
const BLUE = 0x001f

/** "f800" as the files have it: the low byte first. */
const hex = (pixel: number) => {
  const text = pixel.toString(16).padStart(4, '0')
  return text.slice(2) + text.slice(0, 2)
}

/** A ColPic image: a palette, and runs of pixels as [page, index in the page, count]. */
function colPic(
  width: number,
  height: number,
  palette: readonly number[],
  runs: readonly (readonly [page: number, index: number, count: number])[],
): string {
  let page = 0
  const bytes = runs.flatMap(([wanted, index, count]) => {
    const change = wanted === page ? [] : [0xe0 | wanted]
    page = wanted
    return [...change, ...(count <= 6 ? [(count << 5) | index] : [index, count])]
  })
  const header = Buffer.alloc(32)
  header[0] = 3
  header.writeUInt32LE(width, 4)
  header.writeUInt32LE(height, 8)
  header.writeUInt32LE(0x05ddc33c, 12)
  header.writeUInt32LE(2 * palette.length, 16)
  header.writeUInt32LE(bytes.length, 20)
  const colours = Buffer.alloc(2 * palette.length)
  for (const [i, colour] of palette.entries()) colours.writeUInt16LE(colour, 2 * i)
  return sixBits(Buffer.concat([header, colours, Buffer.from(bytes), Buffer.alloc(3)]))
}

function sixBits(data: Buffer): string {
  let text = ''
  for (let at = 0; at + 3 <= data.length; at += 3) {
    const bits = data.readUIntBE(at, 3)
    for (const shift of [18, 12, 6, 0])
      text += String.fromCharCode(((bits >> shift) & 63) + 48).replace('\\', '~')
  }
  return text
}

/** The pictures of a file as "WIDTHxHEIGHT", and the first pixels of the last one. */
async function picturesOf(text: string): Promise<{ sizes: string[]; pixels: number[][]; notes: string[] }> {
  using folder = new GcodeFolder()
  const path = folder.write('a.gcode', text)
  const { thumbnails, notes } = await scanFile(path)
  const written = await writePictures(path, thumbnails)
  const last = written.entries.at(-1)
  const pixels: number[][] = []
  if (last !== undefined) {
    for await (const row of decodePng(readFileSync(join(folder.path, last.relative_path))).rows)
      pixels.push([...row])
  }
  const sizes = written.entries.map(({ width, height }) => `${width}x${height}`)
  return { sizes, pixels, notes: [...notes, ...written.notes] }
}

const opaque = (...colours: [number, number, number][]) => colours.flatMap(colour => [...colour, 255])

suite('rows of pixels', () => {
  const rows = [
    [RED, GREEN],
    [BLUE, 0xffff],
  ].map(row => row.map(hex).join(''))
  for (const [name, lineEnd] of Object.entries({
    'carriage return': '\r',
    'line feed': '\n',
    both: '\r\n',
  })) {
    test(`with ${name} between them`, async () => {
      const image = `;simage:${rows.join(`${lineEnd}M10086 ;`)}${lineEnd}M10086 ;${lineEnd}`
      const { sizes, pixels, notes } = await picturesOf(`${image};;gimage:\r\n;FLAVOR:Marlin\nG28\n`)
      assert.deepEqual(sizes, ['2x2', '2x2'])
      assert.deepEqual(pixels, [opaque([255, 0, 0], [0, 255, 0]), opaque([0, 0, 255], [255, 255, 255])])
      assert.deepEqual(notes, ['gimage: no pixels'])
    })
  }

  test('a row that is too short', async () => {
    const { sizes, notes } = await picturesOf(';simage:00f8e007\rM10086 ;1f00\rG28\n')
    assert.deepEqual([sizes, notes], [[], ['simage: rows of different lengths']])
  })
})

suite('BIGTREETECH', () => {
  const line = (...pixels: number[]) =>
    `;${pixels.map(pixel => pixel.toString(16).padStart(4, '0')).join('')}\r\n`
  const image = `${line(2, 1)}${line(RED, GREEN)}${line(1, 2)}${line(BLUE)}${line(RED)}`

  test('several images before the mark of their end', async () => {
    const { sizes, pixels } = await picturesOf(`${image}; bigtree thumbnail end\r\n\r\nG28\n`)
    assert.deepEqual(sizes, ['1x2', '2x1', '1x2'])
    assert.deepEqual(pixels, [opaque([0, 0, 255]), opaque([255, 0, 0])])
  })

  test('comments that only look like one', async () => {
    for (const text of [
      image,
      `${line(2, 1)}${line(RED)}; bigtree thumbnail end\r\n`,
      `${line(0, 1)};\r\n; bigtree thumbnail end`,
    ]) {
      assert.deepEqual((await picturesOf(`${text}G28\n`)).sizes, [])
    }
  })
})

suite('ColPic', () => {
  const palette = Array.from({ length: 40 }, (_, i) => (i === 33 ? GREEN : RED))
  const runs = [[0, 0, 3] as const, [1, 1, 9] as const]

  test('in one line at the end of the file, the large one first', async () => {
    const image = colPic(4, 3, palette, runs)
    const { sizes, pixels } = await picturesOf(`G28\n\n\n;gimage:${image}\n\n\n\n;simage:${image}\n`)
    assert.deepEqual(sizes, ['4x3', '4x3', '4x3'])
    const [red, green] = [
      [255, 0, 0],
      [0, 255, 0],
    ] as [number, number, number][]
    assert.deepEqual(pixels[0], opaque(red!, red!, red!, green!))
    assert.deepEqual(pixels[2], opaque(green!, green!, green!, green!))
  })

  test('in several lines', async () => {
    const image = colPic(4, 3, palette, runs)
    const lines = `;gimage:${image.slice(0, 50)}\r;gimage:${image.slice(50, 90)}\r;;gimage:${image.slice(90)}\r;000\r`
    assert.deepEqual((await picturesOf(`${lines}G28\n`)).sizes, ['4x3', '4x3'])
  })

  test('damaged ones are left out', async () => {
    const image = colPic(4, 3, palette, runs)
    const wide = colPic(9000, 3, palette, runs)
    for (const [text, note] of [
      [image.slice(0, 60), /ends too early/],
      [colPic(4, 4, palette, runs), /ends too early/],
      [wide, /too large/],
      [`0\`${image.slice(2, 20)}`, /not a ColPic image/],
    ] as const) {
      const { sizes, notes } = await picturesOf(`;gimage:${text}\n`)
      assert.deepEqual(sizes, [])
      assert.match(notes.join(), note)
    }
  })
})

test('an ordinary image is enough; the PNG for displays of Creality is one', async () => {
  const base64 = Buffer.from('an image').toString('base64')
  const block = (tag: string, size: string) => `; ${tag} begin ${size}\n; ${base64}\n; ${tag} end\n`
  const display = `;simage:${hex(RED)}\rM10086 ;\r`
  const creality = block('png', `96*96 ${base64.length} 0 95 192`)
  const sizes = async (text: string) => {
    using folder = new GcodeFolder()
    const { thumbnails } = await scanFile(folder.write('a.gcode', text))
    return thumbnails.map(({ width, height, format }) => `${width}x${height} ${format}`)
  }
  assert.deepEqual(await sizes(display), ['1x1 rgb565'])
  assert.deepEqual(await sizes(`${creality}${display}`), ['96x96 png'])
  const ordinary = block('thumbnail', `300 300 ${base64.length}`)
  assert.deepEqual(await sizes(`${creality}${display}${ordinary}`), ['300x300 png'])
})
