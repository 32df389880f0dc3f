// Decodes the scan of a baseline JPEG, one line of units at a time.
import { ImageUnreadable, type PixelRows } from '../pixels.ts'
import { ScanBits } from './bits.ts'
import { type Component, type Frame, pixelRows, transform, ZIGZAG } from './frame.ts'
import type { Scan } from './scan.ts'

/**
 * The rows of an image whose only scan starts at the start of `data`. Throws ImageUnreadable if the scan lacks a
 * component or a table.
 */
export function decodeSequential(frame: Frame, { components, restart }: Scan, data: Buffer): PixelRows {
  if (components.length !== frame.components.length)
    throw new ImageUnreadable('only baseline JPEG images with a single scan are read')
  for (const { dc, ac, quantizer } of components) {
    if (!dc || !ac || !quantizer) throw new ImageUnreadable('the JPEG lacks a table that it names')
  }
  const bits = new ScanBits(data)
  const block = new Float64Array(64)
  let decoded = 0
  return pixelRows(frame, () => {
    for (let unit = 0; unit < frame.unitsAcross; unit++, decoded++) {
      if (restart > 0 && decoded > 0 && decoded % restart === 0) {
        bits.restart()
        for (const component of components) component.predictor = 0
      }
      for (const component of components) decodeUnit(component, bits, block, unit)
    }
  })
}

function decodeUnit(component: Component, bits: ScanBits, block: Float64Array, unit: number): void {
  for (let v = 0; v < component.down; v++) {
    for (let h = 0; h < component.across; h++) {
      decodeBlock(component, bits, block)
      transform(block, component, v * 8 * component.stride + (unit * component.across + h) * 8)
    }
  }
}

function decodeBlock(component: Component, bits: ScanBits, block: Float64Array): void {
  const quantizer = component.quantizer!
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
