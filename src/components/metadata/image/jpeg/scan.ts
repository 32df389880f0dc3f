// What the segments of a JPEG define for its scans: the tables, and the header of each scan.
import { ImageUnreadable } from '../pixels.ts'
import { HuffmanTable } from './bits.ts'
import { type Component, type Frame, ZIGZAG } from './frame.ts'

/** The header of a scan. A sequential image has one scan, of all components and coefficients. */
export interface Scan {
  readonly components: readonly Component[]
  /** The coefficients in the scan, in zigzag order. */
  readonly first: number
  readonly last: number
  /** Whether earlier scans contain the higher bits of these coefficients. */
  readonly refines: boolean
  /** The lowest bit of the coefficients in this scan. */
  readonly bit: number
  /** Units between restart markers, 0 for none. */
  readonly restart: number
}

/** The tables that are in force; a later definition replaces an earlier one. */
export class Tables {
  readonly #quantizers = new Map<number, Uint16Array>()
  readonly #huffman = new Map<number, HuffmanTable>()
  #restart = 0

  /** Reads a segment that defines a table or the restart interval; ignores others. RangeError if it is cut short. */
  read(marker: number, segment: Buffer): void {
    if (marker === 0xdb) this.#readQuantizers(segment)
    else if (marker === 0xc4) this.#readHuffman(segment)
    else if (marker === 0xdd) this.#restart = segment.readUInt16BE(0)
  }

  /**
   * Reads the header of a scan and gives its components their tables. Throws ImageUnreadable if it is not possible in
   * the frame, or RangeError if it is cut short.
   */
  readScan(segment: Buffer, frame: Frame): Scan {
    const count = segment.readUInt8(0)
    const at = 1 + 2 * count
    const [first, last, bits] = [segment.readUInt8(at), segment.readUInt8(at + 1), segment.readUInt8(at + 2)]
    const components = Array.from({ length: count }, (_, i) => {
      const id = segment.readUInt8(1 + 2 * i)
      const component = frame.components.find(one => one.id === id)
      if (component === undefined) throw new ImageUnreadable('a scan of the JPEG has an unknown component')
      this.#give(component, segment.readUInt8(2 + 2 * i))
      return component
    })
    if (new Set(components).size !== count)
      throw new ImageUnreadable('a scan of the JPEG has a component twice')
    return {
      components,
      first,
      last,
      refines: bits >> 4 > 0,
      bit: bits & 15,
      restart: this.#restart,
    }
  }

  #give(component: Component, ids: number): void {
    component.quantizer ??= this.#quantizers.get(component.quantizerId)
    component.dc = this.#huffman.get(ids >> 4)
    component.ac = this.#huffman.get(0x10 | (ids & 15))
    component.predictor = 0
  }

  #readQuantizers(segment: Buffer): void {
    for (let at = 0; at < segment.length; ) {
      const wide = segment[at]! >> 4 !== 0
      const table = new Uint16Array(64)
      for (let i = 0; i < 64; i++) {
        table[ZIGZAG[i]!] = wide ? segment.readUInt16BE(at + 1 + 2 * i) : segment.readUInt8(at + 1 + i)
      }
      this.#quantizers.set(segment[at]! & 15, table)
      at += wide ? 129 : 65
    }
  }

  #readHuffman(segment: Buffer): void {
    for (let at = 0; at + 17 <= segment.length; ) {
      const counts = segment.subarray(at + 1, at + 17)
      const total = counts.reduce((sum, count) => sum + count, 0)
      this.#huffman.set(segment[at]!, new HuffmanTable(counts, segment.subarray(at + 17, at + 17 + total)))
      at += 17 + total
    }
  }
}
