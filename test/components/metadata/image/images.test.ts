// The image decoders, with images from the writers of the tests, damaged images, and decompression bombs.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import { decodeJpeg } from '../../../../src/components/metadata/image/jpeg/jpeg.ts'
import type { PixelRows } from '../../../../src/components/metadata/image/pixels.ts'
import { ImageUnreadable } from '../../../../src/components/metadata/image/pixels.ts'
import { decodePng, encodePng } from '../../../../src/components/metadata/image/png.ts'
import { decodeQoi } from '../../../../src/components/metadata/image/qoi.ts'
import { fitted, shrink } from '../../../../src/components/metadata/image/shrink.ts'
import { writeJpeg, writeQoi } from './image-writers.ts'
import { baselineJpeg, progressiveJpeg } from './jpeg-samples.ts'

async function pixelsOf({ rows }: PixelRows): Promise<number[][]> {
  const all: number[][] = []
  for await (const row of rows) all.push([...row])
  return all
}

const pattern = (x: number, y: number) =>
  [(x * 40) & 0xff, (y * 3 + x) & 0xff, (x * y) & 0xff, x % 5 === 0 ? 128 : 255] as const

function patternRows(width: number, height: number): number[][] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => pattern(x, y)).flat(),
  )
}

/** A PNG of any kind; `lines` are filtered rows with their filter bytes. */
function pngOf(header: number[], lines: Buffer, extra: [string, number[]][] = []): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const named = Buffer.concat([Buffer.from(type), body])
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(body.length)
    checksum.writeUInt32BE(crc32(named))
    return Buffer.concat([length, named, checksum])
  }
  const chunks = [
    ['IHDR', Buffer.from(header)],
    ...extra.map(([type, body]) => [type, Buffer.from(body)]),
    ['IDAT', deflateSync(lines)],
  ]
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...chunks.map(([type, body]) => chunk(type as string, body as Buffer)),
  ])
}

const header = (width: number, height: number, depth: number, colour: number, interlaced = 0) => {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(width, 0)
  bytes.writeUInt32BE(height, 4)
  bytes.set([depth, colour, 0, 0, interlaced], 8)
  return [...bytes]
}

suite('QOI', () => {
  test('every pixel is decoded', async () => {
    const image = decodeQoi(writeQoi(70, 9, pattern))
    assert.deepEqual([image.width, image.height], [70, 9])
    assert.deepEqual(await pixelsOf(image), patternRows(70, 9))
  })

  test('runs longer than one byte can contain', async () => {
    const rows = await pixelsOf(decodeQoi(writeQoi(200, 2, () => [1, 2, 3, 4])))
    assert.deepEqual(rows[1], Array.from({ length: 200 }, () => [1, 2, 3, 4]).flat())
  })

  test('an image that ends early repeats its last pixel', async () => {
    const whole = writeQoi(4, 4, pattern)
    assert.equal((await pixelsOf(decodeQoi(whole.subarray(0, 20)))).length, 4)
  })

  test('a decompression bomb is rejected before anything is decoded', () => {
    const bomb = writeQoi(1, 1, pattern)
    bomb.writeUInt32BE(60_000, 4)
    bomb.writeUInt32BE(60_000, 8)
    assert.throws(() => decodeQoi(bomb), /60000x60000/)
    assert.throws(() => decodeQoi(Buffer.from('something else')), ImageUnreadable)
  })
})

suite('PNG', () => {
  test('an encoded image is decoded to the same pixels', async () => {
    const rows = patternRows(37, 11)
    const file = await encodePng({ width: 37, height: 11, rows: rows.map(row => Uint8Array.from(row)) })
    const image = decodePng(file)
    assert.deepEqual([image.width, image.height], [37, 11])
    assert.deepEqual(await pixelsOf(image), rows)
  })

  test('every filter', async () => {
    const lines = Buffer.from([0, 10, 20, 30, 1, 1, 1, 1, 2, 1, 1, 1, 3, 2, 2, 2, 4, 5, 5, 5])
    const grey = (...values: number[]) => values.flatMap(value => [value, value, value, 255])
    assert.deepEqual(await pixelsOf(decodePng(pngOf(header(3, 5, 8, 0), lines))), [
      grey(10, 20, 30),
      grey(1, 2, 3),
      grey(2, 3, 4),
      grey(3, 5, 6),
      grey(8, 13, 18),
    ])
  })

  test('palettes, small and large samples', async () => {
    const palette = pngOf(header(4, 1, 2, 3), Buffer.from([0, 0b00_01_10_11]), [
      ['PLTE', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
      ['tRNS', [0, 50]],
    ])
    assert.deepEqual(await pixelsOf(decodePng(palette)), [
      [1, 2, 3, 0, 4, 5, 6, 50, 7, 8, 9, 255, 10, 11, 12, 255],
    ])
    const bits = pngOf(header(2, 1, 1, 0), Buffer.from([0, 0b01_000000]))
    assert.deepEqual(await pixelsOf(decodePng(bits)), [[0, 0, 0, 255, 255, 255, 255, 255]])
    const wide = pngOf(header(1, 1, 16, 4), Buffer.from([0, 0x12, 0x34, 0x56, 0x78]))
    assert.deepEqual(await pixelsOf(decodePng(wide)), [[0x12, 0x12, 0x12, 0x56]])
  })

  test('a decompression bomb is rejected by its size, or inflated no further than its size', async () => {
    assert.throws(() => decodePng(pngOf(header(50_000, 50_000, 8, 6), Buffer.alloc(100))), /50000x50000/)
    const long = pngOf(header(2, 2, 8, 0), Buffer.alloc(20_000_000))
    assert.equal((await pixelsOf(decodePng(long))).length, 2)
  })

  test('errors name the reason', async () => {
    assert.throws(() => decodePng(Buffer.from('not at all')), /not a PNG/)
    assert.throws(() => decodePng(pngOf(header(2, 2, 8, 0, 1), Buffer.alloc(6))), /interlaced/)
    assert.throws(() => decodePng(pngOf(header(2, 2, 3, 0), Buffer.alloc(6))), /colour type/)
    assert.throws(() => decodePng(pngOf(header(0, 2, 8, 0), Buffer.alloc(6))), /0x2/)
    await assert.rejects(pixelsOf(decodePng(pngOf(header(2, 9, 8, 0), Buffer.alloc(6)))), /too early/)
    const damaged = pngOf(header(2, 2, 8, 0), Buffer.alloc(6))
    damaged.fill(0xee, 41, 50)
    await assert.rejects(pixelsOf(decodePng(damaged)))
  })
})

suite('JPEG', () => {
  /** Grey that grows to the right and down, red on the left half. */
  const colour = (component: number, x: number, y: number) =>
    component === 0 ? 40 + 20 * x + 10 * y : component === 2 && x === 0 ? 200 : 128
  const at = (rows: number[][], x: number, y: number) => rows[y]!.slice(4 * x, 4 * x + 4)

  test('without subsampling', async () => {
    const image = decodeJpeg(writeJpeg(20, 12, { across: 1, down: 1 }, colour))
    const rows = await pixelsOf(image)
    assert.deepEqual([image.width, image.height, rows.length], [20, 12, 12])
    assert.deepEqual(at(rows, 9, 0), [60, 60, 60, 255])
    assert.deepEqual(at(rows, 17, 9), [90, 90, 90, 255])
    assert.deepEqual(at(rows, 0, 0), [141, 0, 40, 255])
  })

  test('with subsampling and restart markers', async () => {
    const rows = await pixelsOf(decodeJpeg(writeJpeg(40, 33, { across: 2, down: 2, restart: 2 }, colour)))
    assert.deepEqual(at(rows, 16, 0), [80, 80, 80, 255])
    assert.deepEqual(at(rows, 24, 32), [140, 140, 140, 255])
    assert.deepEqual(at(rows, 8, 8), [171, 19, 70, 255])
  })

  test('a damaged scan still ends', async () => {
    const file = writeJpeg(64, 64, { across: 1, down: 1 }, colour)
    assert.equal((await pixelsOf(decodeJpeg(file.subarray(0, file.length - 60)))).length, 64)
  })

  test('errors name the reason', () => {
    assert.throws(() => decodeJpeg(Buffer.from('nothing')), /not a JPEG/)
    assert.throws(() => decodeJpeg(writeJpeg(8, 8, { across: 1, down: 1, frame: 0xc3 }, colour)), /baseline/)
    const file = writeJpeg(8, 8, { across: 1, down: 1 }, colour)
    const bomb = Buffer.from(file)
    const size = bomb.indexOf(Buffer.from([0xff, 0xc0])) + 5
    bomb.fill(0xea, size, size + 4)
    assert.throws(() => decodeJpeg(bomb), /60138x60138/)
    for (let length = 0; length < 200; length++) {
      try {
        decodeJpeg(file.subarray(0, length))
      } catch (error) {
        assert.ok(error instanceof ImageUnreadable, String(error))
      }
    }
  })
})

suite('progressive JPEG', () => {
  const marker = (code: number, from = 0) => progressiveJpeg.indexOf(Buffer.from([0xff, code]), from)
  /** The sample with another frame header: height and width. */
  const sized = (height: number, width: number) => {
    const file = Buffer.from(progressiveJpeg)
    file.writeUInt16BE(height, marker(0xc2) + 5)
    file.writeUInt16BE(width, marker(0xc2) + 7)
    return file
  }
  const header = progressiveJpeg.subarray(0, marker(0xda))
  const firstScan = progressiveJpeg.subarray(marker(0xda), marker(0xc4, marker(0xda)))

  test('has the pixels of the baseline image with the same coefficients', async () => {
    const image = decodeJpeg(progressiveJpeg)
    assert.deepEqual([image.width, image.height], [45, 35])
    assert.deepEqual(await pixelsOf(image), await pixelsOf(decodeJpeg(baselineJpeg)))
  })

  test('one that ends early has the pixels of its first scans', async () => {
    const mean = (rows: number[][]) => rows.flat().reduce((sum, value) => sum + value) / (45 * 35 * 4)
    const whole = await pixelsOf(decodeJpeg(progressiveJpeg))
    const coarse = await pixelsOf(decodeJpeg(Buffer.concat([header, firstScan])))
    assert.notDeepEqual(coarse, whole)
    assert.ok(Math.abs(mean(coarse) - mean(whole)) < 3)
  })

  test('every truncated or damaged file has all its rows or a reason', async () => {
    const decode = async (file: Buffer) => {
      try {
        assert.equal((await pixelsOf(decodeJpeg(file))).length, 35)
      } catch (error) {
        assert.ok(error instanceof ImageUnreadable, String(error))
      }
    }
    for (let length = 0; length < progressiveJpeg.length; length += 7)
      await decode(progressiveJpeg.subarray(0, length))
    for (let at = marker(0xc2) + 11; at < progressiveJpeg.length; at += 7) {
      const file = Buffer.from(progressiveJpeg)
      file[at]! ^= 1 << (at % 8)
      await decode(file)
    }
  })

  test('a file that would cost more than an image is rejected', () => {
    assert.throws(() => decodeJpeg(sized(2048, 2048)), /too early/)
    const long = Buffer.concat([sized(2048, 2048), Buffer.alloc(10_000)])
    assert.throws(() => decodeJpeg(long), /too large: 2048x2048/)
    const scans = Array<Buffer>(65).fill(firstScan)
    assert.throws(() => decodeJpeg(Buffer.concat([header, ...scans])), /more than 64 scans/)
    const frame = header.subarray(marker(0xc2), marker(0xc2) + 19)
    assert.throws(() => decodeJpeg(Buffer.concat([header, frame, firstScan])), /more than one frame/)
  })

  test('a scan that is not possible has a reason', () => {
    const withScan = (...body: number[]) =>
      Buffer.concat([header, Buffer.from([0xff, 0xda, 0, body.length + 2, ...body]), Buffer.alloc(20)])
    assert.throws(() => decodeJpeg(withScan(1, 9, 0, 0, 0, 0)), /unknown component/)
    assert.throws(() => decodeJpeg(withScan(2, 1, 0, 1, 0, 0, 0, 0)), /twice/)
    assert.throws(() => decodeJpeg(withScan(1, 1, 0, 0, 5, 0)), /impossible header/)
    assert.throws(() => decodeJpeg(withScan(1, 1, 0, 5, 64, 0)), /impossible header/)
    assert.throws(() => decodeJpeg(withScan(1, 1, 0, 0, 0, 14)), /impossible header/)
    assert.throws(() => decodeJpeg(withScan(1, 1, 3, 1, 5, 0)), /lacks a table/)
    assert.throws(() => decodeJpeg(withScan(1, 1)), /cut short/)
  })
})

suite('shrinking', () => {
  test('keeps proportions as Pillow does', () => {
    const sizes = [
      [313, 173],
      [400, 300],
      [300, 400],
      [16, 16],
      [1000, 1],
      [64, 64],
      [96, 64],
    ] as const
    assert.deepEqual(
      sizes.map(([width, height]) => Object.values(fitted(width, height, 32)).join('x')),
      ['32x18', '32x24', '24x32', '16x16', '32x1', '32x32', '32x21'],
    )
  })

  test('gives the mean of what each pixel covers, transparent pixels without colour', async () => {
    const rows = Array.from({ length: 64 }, (_, y) =>
      Uint8Array.from(
        Array.from({ length: 64 }, (_, x) =>
          x % 2 === 0 ? [200, 100, y < 32 ? 0 : 50, 255] : [9, 9, 9, 0],
        ).flat(),
      ),
    )
    const small = await pixelsOf(await shrink({ width: 64, height: 64, rows }, 32))
    assert.equal(small.length, 32)
    assert.deepEqual(small[0]!.slice(0, 4), [200, 100, 0, 128])
    assert.deepEqual(small[31]!.slice(-4), [200, 100, 50, 128])
  })

  test('weighs pixels that fall into two', async () => {
    const row = Uint8Array.from([0, 90, 180].flatMap(value => [value, value, value, 255]))
    const small = await pixelsOf(await shrink({ width: 3, height: 3, rows: [row, row, row] }, 2))
    assert.deepEqual(small[0], [30, 30, 30, 255, 150, 150, 150, 255])
  })
})
