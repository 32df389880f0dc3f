// Decodes the blocks of one scan of a progressive JPEG (ITU-T T.81, annex G).
import { ImageUnreadable } from '../pixels.ts'
import type { HuffmanTable, ScanBits } from './bits.ts'
import { type Component, ZIGZAG } from './frame.ts'
import type { Scan } from './scan.ts'

/** The scan's part of a block is added to the 64 coefficients at `at`. */
export interface BlockDecoder {
  decode(component: Component, coefficients: Int16Array, at: number): void
  /** To be called at a restart marker. */
  restart(): void
}

/** The decoder for the blocks of `scan`. Throws ImageUnreadable if its header is not possible or a table is missing. */
export function blockDecoder(scan: Scan, bits: ScanBits): BlockDecoder {
  const { components, first, last, bit } = scan
  const isPossible = first === 0 ? last === 0 : components.length === 1 && first <= last && last < 64
  if (components.length === 0 || !isPossible || bit > 13)
    throw new ImageUnreadable('a scan of the JPEG has an impossible header')
  if (first === 0) return scan.refines ? refineMean(scan, bits) : decodeMean(scan, bits)
  const band = { first, last, bit, bits, table: needed(components[0]!.ac) }
  return scan.refines ? new FrequencyRefinement(band) : new Frequencies(band)
}

function needed(table: HuffmanTable | undefined): HuffmanTable {
  if (table === undefined) throw new ImageUnreadable('the JPEG lacks a table that it names')
  return table
}

/** The first bits of coefficient 0, which is the mean of the block. */
function decodeMean({ components, bit }: Scan, bits: ScanBits): BlockDecoder {
  for (const { dc } of components) needed(dc)
  return {
    decode(component, coefficients, at) {
      component.predictor += bits.signed(bits.code(component.dc!) & 15)
      coefficients[at] = component.predictor << bit
    },
    restart() {
      for (const component of components) component.predictor = 0
    },
  }
}

/** One more bit of coefficient 0. */
function refineMean({ bit }: Scan, bits: ScanBits): BlockDecoder {
  return {
    decode(_component, coefficients, at) {
      coefficients[at]! |= bits.bit() << bit
    },
    restart() {},
  }
}

/** A band of frequencies, and where its codes come from. */
interface Band extends Pick<Scan, 'first' | 'last' | 'bit'> {
  readonly bits: ScanBits
  readonly table: HuffmanTable
}

/** The first bits of a band of frequencies. */
class Frequencies implements BlockDecoder {
  readonly #band: Band
  /** Blocks that follow without a frequency. */
  #empty = 0

  constructor(band: Band) {
    this.#band = band
  }

  decode(_component: Component, coefficients: Int16Array, at: number): void {
    if (this.#empty > 0) {
      this.#empty--
      return
    }
    const { first, last, bit, bits, table } = this.#band
    for (let k = first; k <= last; k++) {
      const code = bits.code(table)
      const [run, size] = [code >> 4, code & 15]
      if (size === 0 && run < 15) {
        this.#empty = (1 << run) - 1 + bits.unsigned(run)
        return
      }
      k += run
      if (size > 0 && k <= last) coefficients[at + ZIGZAG[k]!] = bits.signed(size) << bit
    }
  }

  restart(): void {
    this.#empty = 0
  }
}

/** One more bit of a band of frequencies: for those that are not 0 yet, a bit each; the others start with this bit. */
class FrequencyRefinement implements BlockDecoder {
  readonly #band: Band
  /** Blocks that follow without a new frequency, with the current one. */
  #unchanged = 0

  constructor(band: Band) {
    this.#band = band
  }

  decode(_component: Component, coefficients: Int16Array, at: number): void {
    const { first, last, bit, bits, table } = this.#band
    let k = first
    for (; k <= last && this.#unchanged === 0; k++) {
      const code = bits.code(table)
      const [run, size] = [code >> 4, code & 15]
      if (size === 0 && run < 15) {
        this.#unchanged = (1 << run) + bits.unsigned(run)
        break
      }
      const value = size === 0 ? 0 : (bits.bit() === 1 ? 1 : -1) << bit
      k = this.#refine(coefficients, at, k, run)
      if (value !== 0 && k <= last) coefficients[at + ZIGZAG[k]!] = value
    }
    if (this.#unchanged === 0) return
    this.#refine(coefficients, at, k, 64)
    this.#unchanged--
  }

  /** Refines what is not 0, from `k` until `zeros` zeros are skipped; the index of the next zero, or after the band. */
  #refine(coefficients: Int16Array, at: number, k: number, zeros: number): number {
    const { last, bit, bits } = this.#band
    for (let skipped = 0; k <= last; k++) {
      const i = at + ZIGZAG[k]!
      const value = coefficients[i]!
      if (value === 0) {
        if (skipped++ === zeros) break
      } else if (bits.bit() === 1) coefficients[i] = value + (Math.sign(value) << bit)
    }
    return k
  }

  restart(): void {
    this.#unchanged = 0
  }
}
