// Writes small QOI and JPEG images for tests, after the formats' specifications.

type Pixel = readonly [number, number, number, number]

/** A QOI image that uses every operation of the format where the pixels allow it. */
export function writeQoi(width: number, height: number, pixelAt: (x: number, y: number) => Pixel): Buffer {
  const bytes: number[] = [...Buffer.from('qoif'), ...bigEndian(width), ...bigEndian(height), 4, 0]
  const recent = Array.from({ length: 64 }, (): Pixel => [0, 0, 0, 0])
  let last: Pixel = [0, 0, 0, 255]
  let run = 0
  const endRun = () => {
    if (run > 0) bytes.push(0xc0 | (run - 1))
    run = 0
  }
  for (let i = 0; i < width * height; i++) {
    const pixel = pixelAt(i % width, Math.floor(i / width))
    if (same(pixel, last)) {
      if (++run === 62) endRun()
      continue
    }
    endRun()
    const [r, g, b, a] = pixel
    const slot = (r * 3 + g * 5 + b * 7 + a * 11) % 64
    bytes.push(...(same(recent[slot]!, pixel) ? [slot] : operation(pixel, last)))
    recent[slot] = pixel
    last = pixel
  }
  endRun()
  return Buffer.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 1])
}

function operation([r, g, b, a]: Pixel, last: Pixel): number[] {
  if (a !== last[3]) return [0xff, r, g, b, a]
  const [dr, dg, db] = [r - last[0], g - last[1], b - last[2]]
  if ([dr, dg, db].every(d => d >= -2 && d <= 1)) return [0x40 | ((dr + 2) << 4) | ((dg + 2) << 2) | (db + 2)]
  if (dg >= -32 && dg < 32 && [dr - dg, db - dg].every(d => d >= -8 && d < 8))
    return [0x80 | (dg + 32), ((dr - dg + 8) << 4) | (db - dg + 8)]
  return [0xfe, r, g, b]
}

function same(a: Pixel, b: Pixel): boolean {
  return a.every((value, i) => value === b[i])
}

function bigEndian(value: number): number[] {
  return [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]
}

/** The parameters of a JPEG of flat blocks of 8x8. */
export interface JpegOptions {
  /** Blocks of luminance in a unit: 1x1 without subsampling, 2x2 with. */
  across: number
  down: number
  /** Units between restart markers, 0 for none. */
  restart?: number
  /** The marker of the frame: 0xc0 baseline, 0xc3 lossless. */
  frame?: number
}

/**
 * A JPEG whose blocks are flat: `colourOf` gives Y, Cb and Cr of each block of a component.
 * Its DC codes are 4 bits long, its only AC code is the end of the block: one bit 0.
 */
export function writeJpeg(
  width: number,
  height: number,
  { across, down, restart = 0, frame = 0xc0 }: JpegOptions,
  colourOf: (component: number, blockX: number, blockY: number) => number,
): Buffer {
  const components = [1, 2, 3].flatMap(id => [id, id === 1 ? (across << 4) | down : 0x11, 0])
  const size = [height >> 8, height & 0xff, width >> 8, width & 0xff]
  const dc = [0x00, 0, 0, 0, 12, ...Array<number>(12).fill(0), ...Array.from({ length: 12 }, (_, i) => i)]
  const ac = [0x10, 1, ...Array<number>(15).fill(0), 0]
  return Buffer.from([
    0xff,
    0xd8,
    ...segment(0xdb, [0, ...Array<number>(64).fill(8)]),
    ...segment(frame, [8, ...size, 3, ...components]),
    ...segment(0xc4, [...dc, ...ac]),
    ...(restart > 0 ? segment(0xdd, [0, restart]) : []),
    ...segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
    ...scan(width, height, { across, down, restart }, colourOf),
    0xff,
    0xd9,
  ])
}

function segment(marker: number, body: number[]): number[] {
  return [0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff, ...body]
}

function scan(
  width: number,
  height: number,
  { across, down, restart = 0 }: JpegOptions,
  colourOf: (component: number, blockX: number, blockY: number) => number,
): number[] {
  const bytes: number[] = []
  let bits = ''
  const predictors = [0, 0, 0]
  const block = (component: number, x: number, y: number) => {
    const value = colourOf(component, x, y) - 128
    const difference = value - predictors[component]!
    predictors[component] = value
    const category = difference === 0 ? 0 : Math.abs(difference).toString(2).length
    const written = difference < 0 ? difference + 2 ** category - 1 : difference
    bits += category.toString(2).padStart(4, '0')
    if (category > 0) bits += written.toString(2).padStart(category, '0')
    bits += '0'
  }
  const flush = () => {
    for (const byte of bits.match(/.{1,8}/g) ?? []) {
      const value = Number.parseInt(byte.padEnd(8, '1'), 2)
      bytes.push(...(value === 0xff ? [0xff, 0] : [value]))
    }
    bits = ''
  }
  const units = [Math.ceil(width / (8 * across)), Math.ceil(height / (8 * down))] as const
  for (let unit = 0; unit < units[0] * units[1]; unit++) {
    const [x, y] = [unit % units[0], Math.floor(unit / units[0])]
    if (restart > 0 && unit > 0 && unit % restart === 0) {
      flush()
      bytes.push(0xff, 0xd0 | ((unit / restart - 1) & 7))
      predictors.fill(0)
    }
    for (let i = 0; i < across * down; i++)
      block(0, x * across + (i % across), y * down + Math.floor(i / across))
    block(1, x, y)
    block(2, x, y)
  }
  flush()
  return bytes
}
