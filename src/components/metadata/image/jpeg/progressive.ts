// Decodes a progressive JPEG: its scans add frequencies and bits to the coefficients of the whole image.
import { ImageUnreadable, type PixelRows } from '../pixels.ts'
import { ScanBits } from './bits.ts'
import { type Component, type Frame, pixelRows, transform } from './frame.ts'
import { type BlockDecoder, blockDecoder } from './progressive-blocks.ts'
import type { Scan } from './scan.ts'

/** The coefficients of the image stay in memory: at most 2 bytes for each of three components, 12 MiB. */
const MOST_PIXELS = 2 * 1024 * 1024
/** Encoders write about ten scans. Each one visits every block, even if it has only a few bytes. */
const MOST_SCANS = 64

/** The coefficients of one component: 64 for each block, `stride` blocks in a row. */
interface Plane {
  readonly component: Component
  readonly coefficients: Int16Array
  readonly stride: number
}

/** The coefficients that the scans contained so far. */
export class ProgressiveImage {
  readonly #frame: Frame
  readonly #planes: readonly Plane[]
  #scans = 0

  /** Throws ImageUnreadable for an image that is too large. */
  constructor(frame: Frame) {
    if (frame.width * frame.height > MOST_PIXELS)
      throw new ImageUnreadable(`the progressive JPEG is too large: ${frame.width}x${frame.height} pixels`)
    this.#frame = frame
    this.#planes = frame.components.map(component => {
      const stride = frame.unitsAcross * component.across
      const blocks = stride * frame.unitsDown * component.down
      return { component, coefficients: new Int16Array(blocks * 64), stride }
    })
  }

  /** Adds a scan; `data` is what follows its header. Damaged data gives wrong coefficients. Throws ImageUnreadable. */
  add(scan: Scan, data: Buffer): void {
    if (++this.#scans > MOST_SCANS) throw new ImageUnreadable(`the JPEG has more than ${MOST_SCANS} scans`)
    const bits = new ScanBits(data)
    const decoder = blockDecoder(scan, bits)
    const planes = this.#planes.filter(({ component }) => scan.components.includes(component))
    const [unitsAcross, unitsDown] = this.#unitsOf(scan)
    for (let unit = 0; unit < unitsAcross * unitsDown && !bits.ended; unit++) {
      if (scan.restart > 0 && unit > 0 && unit % scan.restart === 0) {
        bits.restart()
        decoder.restart()
      }
      const [x, y] = [unit % unitsAcross, Math.floor(unit / unitsAcross)]
      if (planes.length === 1) decodeBlocks(decoder, planes[0]!, x, y, 1, 1)
      else for (const plane of planes) decodeUnit(decoder, plane, x, y)
    }
  }

  /** A scan of one component has no blocks outside of the image; its unit is the block. */
  #unitsOf({ components }: Scan): [across: number, down: number] {
    const { width, height, across, down, unitsAcross, unitsDown } = this.#frame
    const [component] = components
    if (components.length > 1 || component === undefined) return [unitsAcross, unitsDown]
    const blocks = (side: number, share: number, of: number) => Math.ceil(Math.ceil((side * share) / of) / 8)
    return [blocks(width, component.across, across), blocks(height, component.down, down)]
  }

  /** The image that the scans contained so far. Throws ImageUnreadable if a quantizer is missing. */
  rows(): PixelRows {
    if (this.#planes.some(({ component }) => component.quantizer === undefined))
      throw new ImageUnreadable('the JPEG lacks a table that it names')
    const block = new Float64Array(64)
    return pixelRows(this.#frame, line => {
      for (const plane of this.#planes) fillLine(plane, block, line)
    })
  }
}

function decodeUnit(decoder: BlockDecoder, plane: Plane, x: number, y: number): void {
  const { across, down } = plane.component
  decodeBlocks(decoder, plane, x * across, y * down, across, down)
}

function decodeBlocks(
  decoder: BlockDecoder,
  { component, coefficients, stride }: Plane,
  ...[left, top, across, down]: [left: number, top: number, across: number, down: number]
): void {
  for (let y = top; y < top + down; y++) {
    for (let x = left; x < left + across; x++) decoder.decode(component, coefficients, (y * stride + x) * 64)
  }
}

/** Writes the samples of one line of units. */
function fillLine({ component, coefficients, stride }: Plane, block: Float64Array, line: number): void {
  const quantizer = component.quantizer!
  for (let v = 0; v < component.down; v++) {
    for (let x = 0; x < stride; x++) {
      const from = ((line * component.down + v) * stride + x) * 64
      for (let i = 0; i < 64; i++) block[i] = coefficients[from + i]! * quantizer[i]!
      transform(block, component, v * 8 * component.stride + x * 8)
    }
  }
}
