// The frame header of a JPEG with its components, and how their samples become rows of pixels.
import { checkSize, ImageUnreadable, type PixelRows } from '../pixels.ts'
import type { HuffmanTable } from './bits.ts'

/** The place of each coefficient of the scan in its block. */
export const ZIGZAG = zigzag()

function zigzag(): Uint8Array {
  const order = new Uint8Array(64)
  let [x, y] = [0, 0]
  for (let i = 0; i < 64; i++) {
    order[i] = y * 8 + x
    const up = (x + y) % 2 === 0
    if (up && x < 7) [x, y] = [x + 1, Math.max(0, y - 1)]
    else if (up || y === 7) [x, y] = up ? [x, y + 1] : [x + 1, y]
    else [x, y] = [Math.max(0, x - 1), y + 1]
  }
  return order
}

/** COSINES[x * 8 + u]: the weight of frequency u at position x. */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [x, u] = [i >> 3, i & 7]
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16)
})

/** Luminance, or one of the two colour differences. */
export interface Component {
  readonly id: number
  /** Blocks of this component in a unit, across and down. */
  readonly across: number
  readonly down: number
  readonly quantizerId: number
  /** The quantizer of the component's first scan, and the Huffman tables of the current one. */
  quantizer?: Uint16Array | undefined
  dc?: HuffmanTable | undefined
  ac?: HuffmanTable | undefined
  predictor: number
  /** Samples of the current line of units, `stride` in a row. */
  readonly samples: Uint8ClampedArray
  readonly stride: number
}

/** A unit is the smallest part of the image with whole blocks of all components. */
export interface Frame {
  readonly width: number
  readonly height: number
  readonly progressive: boolean
  readonly components: readonly Component[]
  /** Blocks of the finest component in a unit, across and down. */
  readonly across: number
  readonly down: number
  /** Units in the image, across and down. */
  readonly unitsAcross: number
  readonly unitsDown: number
}

/** Reads a frame header. Throws ImageUnreadable, or RangeError if it is cut short. */
export function readFrame(segment: Buffer, progressive: boolean): Frame {
  const [height, width] = [segment.readUInt16BE(1), segment.readUInt16BE(3)]
  checkSize(width, height)
  const count = segment.readUInt8(5)
  if (segment[0] !== 8 || (count !== 1 && count !== 3))
    throw new ImageUnreadable('the JPEG is not grey or colour')
  const declared = Array.from({ length: count }, (_, i) => readComponent(segment, 6 + 3 * i, count))
  const across = Math.max(...declared.map(component => component.across))
  const down = Math.max(...declared.map(component => component.down))
  const unitsAcross = Math.ceil(width / (8 * across))
  const components = declared.map((component): Component => {
    const stride = unitsAcross * component.across * 8
    const samples = new Uint8ClampedArray(stride * component.down * 8)
    return { ...component, predictor: 0, samples, stride }
  })
  const unitsDown = Math.ceil(height / (8 * down))
  return { width, height, progressive, components, across, down, unitsAcross, unitsDown }
}

function readComponent(segment: Buffer, at: number, count: number) {
  const sampling = segment.readUInt8(at + 1)
  const [across, down] = count === 1 ? [1, 1] : [sampling >> 4, sampling & 15]
  if (across < 1 || across > 4 || down < 1 || down > 4) throw new ImageUnreadable('the JPEG is sampled oddly')
  return { id: segment.readUInt8(at), across, down, quantizerId: segment.readUInt8(at + 2) }
}

/** The image's rows. `fill` writes the samples of all components for one line of units; lines are requested in order. */
export function pixelRows(frame: Frame, fill: (line: number) => void): PixelRows {
  return { width: frame.width, height: frame.height, rows: rows(frame, fill) }
}

function* rows(frame: Frame, fill: (line: number) => void): Generator<Uint8Array> {
  const row = new Uint8Array(frame.width * 4)
  for (let line = 0; line < frame.unitsDown; line++) {
    fill(line)
    const left = frame.height - line * 8 * frame.down
    for (let y = 0; y < Math.min(8 * frame.down, left); y++) {
      colourRow(frame, row, y)
      yield row
    }
  }
}

function colourRow({ width, across, down, components }: Frame, row: Uint8Array, y: number): void {
  const clamped = new Uint8ClampedArray(row.buffer)
  const [luma, blue, red] = components.map(component => {
    const line = Math.floor((y * component.down) / down) * component.stride
    return (x: number) => component.samples[line + Math.floor((x * component.across) / across)]!
  })
  for (let x = 0; x < width; x++) {
    const [light, cb, cr] = [luma!(x), (blue?.(x) ?? 128) - 128, (red?.(x) ?? 128) - 128]
    clamped[x * 4] = light + 1.402 * cr
    clamped[x * 4 + 1] = light - 0.344136 * cb - 0.714136 * cr
    clamped[x * 4 + 2] = light + 1.772 * cb
    clamped[x * 4 + 3] = 255
  }
}

/** Writes the samples of the block of frequencies at `at` of its component: rows first, columns then. */
export function transform(block: Float64Array, { samples, stride }: Component, at: number): void {
  const half = new Float64Array(64)
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0
      for (let u = 0; u < 8; u++) sum += block[v * 8 + u]! * COSINES[x * 8 + u]!
      half[v * 8 + x] = sum
    }
  }
  for (let x = 0; x < 8; x++) {
    for (let y = 0; y < 8; y++) {
      let sum = 128
      for (let v = 0; v < 8; v++) sum += half[v * 8 + x]! * COSINES[y * 8 + v]!
      samples[at + y * stride + x] = sum
    }
  }
}
