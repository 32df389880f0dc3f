// Decodes baseline JPEG images, the kind that slicers write, one line of blocks at a time.
import { HuffmanTable, ScanBits } from './jpeg-bits.ts'
import type { PixelRows } from './pixels.ts'
import { checkSize, ImageUnreadable } from './pixels.ts'

/** The place of each coefficient of the scan in its block. */
const ZIGZAG = zigzag()

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

/** A block of 64 pixels takes two bits at least; the last blocks may be outside of the image. */
const PIXELS_PER_BYTE = 256

/** COSINES[x * 8 + u]: the weight of frequency u at position x. */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [x, u] = [i >> 3, i & 7]
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16)
})

interface Component {
  id: number
  /** Blocks of this component in a unit, across and down. */
  across: number
  down: number
  quantizer: number
  dc?: HuffmanTable
  ac?: HuffmanTable
  predictor: number
  /** Samples of the current line of units. */
  samples: Uint8ClampedArray
  stride: number
}

interface State {
  width: number
  height: number
  components: Component[]
  quantizers: Map<number, Uint16Array>
  tables: Map<number, HuffmanTable>
  restart: number
}

/**
 * Starts to decode; throws ImageUnreadable if the data is not a JPEG, a progressive one, too large, or too short for its
 * pixels. A damaged scan gives grey or wrong pixels.
 */
export function decodeJpeg(data: Buffer): PixelRows {
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8) throw new ImageUnreadable('not a JPEG image')
  const state: State = {
    width: 0,
    height: 0,
    components: [],
    quantizers: new Map(),
    tables: new Map(),
    restart: 0,
  }
  for (let at = 2; at + 4 <= data.length; ) {
    const marker = data.readUInt16BE(at)
    if (marker === 0xffff) {
      at++
      continue
    }
    const end = at + 2 + data.readUInt16BE(at + 2)
    const segment = data.subarray(at + 4, end)
    readSegment(state, marker & 0xff, segment)
    if (marker === 0xffda) {
      const scan = data.subarray(end)
      if (state.width * state.height > PIXELS_PER_BYTE * scan.length)
        throw new ImageUnreadable('the JPEG ends too early')
      return { width: state.width, height: state.height, rows: rowsOf(state, scan) }
    }
    at = end
  }
  throw new ImageUnreadable('the JPEG has no image data')
}

function readSegment(state: State, marker: number, segment: Buffer): void {
  try {
    if (marker === 0xdb) readQuantizers(state, segment)
    else if (marker === 0xc4) readTables(state, segment)
    else if (marker === 0xc0 || marker === 0xc1) readFrame(state, segment)
    else if (marker > 0xc1 && marker < 0xd0 && marker !== 0xc8 && marker !== 0xcc)
      throw new ImageUnreadable('only baseline JPEG images are read')
    else if (marker === 0xdd) state.restart = segment.readUInt16BE(0)
    else if (marker === 0xda) readScan(state, segment)
  } catch (error) {
    if (error instanceof RangeError) throw new ImageUnreadable('a segment of the JPEG is cut short')
    throw error
  }
}

function readQuantizers(state: State, segment: Buffer): void {
  for (let at = 0; at < segment.length; ) {
    const wide = segment[at]! >> 4 !== 0
    const table = new Uint16Array(64)
    for (let i = 0; i < 64; i++) {
      table[ZIGZAG[i]!] = wide ? segment.readUInt16BE(at + 1 + 2 * i) : segment.readUInt8(at + 1 + i)
    }
    state.quantizers.set(segment[at]! & 15, table)
    at += wide ? 129 : 65
  }
}

function readTables(state: State, segment: Buffer): void {
  for (let at = 0; at + 17 <= segment.length; ) {
    const counts = segment.subarray(at + 1, at + 17)
    const total = counts.reduce((sum, count) => sum + count, 0)
    state.tables.set(segment[at]!, new HuffmanTable(counts, segment.subarray(at + 17, at + 17 + total)))
    at += 17 + total
  }
}

function readFrame(state: State, segment: Buffer): void {
  state.height = segment.readUInt16BE(1)
  state.width = segment.readUInt16BE(3)
  checkSize(state.width, state.height)
  const count = segment.readUInt8(5)
  if (segment[0] !== 8 || (count !== 1 && count !== 3))
    throw new ImageUnreadable('the JPEG is not grey or colour')
  state.components = Array.from({ length: count }, (_, i) => {
    const sampling = segment.readUInt8(7 + 3 * i)
    const [across, down] = count === 1 ? [1, 1] : [sampling >> 4, sampling & 15]
    if (across < 1 || across > 4 || down < 1 || down > 4)
      throw new ImageUnreadable('the JPEG is sampled oddly')
    const quantizer = segment.readUInt8(8 + 3 * i)
    return {
      id: segment.readUInt8(6 + 3 * i),
      across,
      down,
      quantizer,
      predictor: 0,
      samples: new Uint8ClampedArray(),
      stride: 0,
    }
  })
}

function readScan(state: State, segment: Buffer): void {
  if (state.components.length === 0 || segment.readUInt8(0) !== state.components.length)
    throw new ImageUnreadable('only JPEG images with a single scan are read')
  const units = Math.ceil(state.width / (8 * most(state, 'across')))
  state.components.forEach((component, i) => {
    const tables = segment.readUInt8(2 + 2 * i)
    const [dc, ac] = [state.tables.get(tables >> 4), state.tables.get(0x10 | (tables & 15))]
    if (!dc || !ac || !state.quantizers.has(component.quantizer))
      throw new ImageUnreadable('the JPEG lacks a table that it names')
    component.dc = dc
    component.ac = ac
    component.stride = units * component.across * 8
    component.samples = new Uint8ClampedArray(component.stride * component.down * 8)
  })
}

function most(state: State, side: 'across' | 'down'): number {
  return Math.max(...state.components.map(component => component[side]))
}

function* rowsOf(state: State, scan: Buffer): Generator<Uint8Array> {
  const bits = new ScanBits(scan)
  const [across, down] = [most(state, 'across'), most(state, 'down')]
  const units = Math.ceil(state.width / (8 * across))
  const row = new Uint8Array(state.width * 4)
  let decoded = 0
  for (let top = 0; top < state.height; top += 8 * down) {
    for (let unit = 0; unit < units; unit++, decoded++) {
      if (state.restart > 0 && decoded > 0 && decoded % state.restart === 0) restart(state, bits)
      for (const component of state.components) decodeUnit(state, component, bits, unit)
    }
    for (let y = 0; y < 8 * down && top + y < state.height; y++) {
      colourRow(state, row, y, across, down)
      yield row
    }
  }
}

function restart(state: State, bits: ScanBits): void {
  bits.restart()
  for (const component of state.components) component.predictor = 0
}

function decodeUnit(state: State, component: Component, bits: ScanBits, unit: number): void {
  const quantizer = state.quantizers.get(component.quantizer)!
  const block = new Float64Array(64)
  for (let v = 0; v < component.down; v++) {
    for (let h = 0; h < component.across; h++) {
      decodeBlock(component, bits, quantizer, block)
      const at = v * 8 * component.stride + (unit * component.across + h) * 8
      transform(block, component.samples, at, component.stride)
    }
  }
}

function decodeBlock(
  component: Component,
  bits: ScanBits,
  quantizer: Uint16Array,
  block: Float64Array,
): void {
  block.fill(0)
  component.predictor += bits.signed(bits.code(component.dc!) & 15)
  block[0] = component.predictor * quantizer[0]!
  for (let k = 1; k < 64; k++) {
    const code = bits.code(component.ac!)
    const size = code & 15
    if (size === 0 && code !== 0xf0) return
    k += code >> 4
    const at = ZIGZAG[k]
    if (at === undefined) return
    if (size > 0) block[at] = bits.signed(size) * quantizer[at]!
  }
}

/** Frequencies to samples, rows first and columns then. */
function transform(block: Float64Array, samples: Uint8ClampedArray, at: number, stride: number): void {
  const rows = new Float64Array(64)
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0
      for (let u = 0; u < 8; u++) sum += block[v * 8 + u]! * COSINES[x * 8 + u]!
      rows[v * 8 + x] = sum
    }
  }
  for (let x = 0; x < 8; x++) {
    for (let y = 0; y < 8; y++) {
      let sum = 128
      for (let v = 0; v < 8; v++) sum += rows[v * 8 + x]! * COSINES[y * 8 + v]!
      samples[at + y * stride + x] = sum
    }
  }
}

function colourRow(state: State, row: Uint8Array, y: number, across: number, down: number): void {
  const clamped = new Uint8ClampedArray(row.buffer)
  const [luma, blue, red] = state.components.map(component => {
    const line = Math.floor((y * component.down) / down) * component.stride
    return (x: number) => component.samples[line + Math.floor((x * component.across) / across)]!
  })
  for (let x = 0; x < state.width; x++) {
    const [light, cb, cr] = [luma!(x), (blue?.(x) ?? 128) - 128, (red?.(x) ?? 128) - 128]
    clamped[x * 4] = light + 1.402 * cr
    clamped[x * 4 + 1] = light - 0.344136 * cb - 0.714136 * cr
    clamped[x * 4 + 2] = light + 1.772 * cb
    clamped[x * 4 + 3] = 255
  }
}
