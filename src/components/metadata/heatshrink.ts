// Decompresses heatshrink, the small LZSS format that binary G-code uses for its blocks.

/**
 * Decompresses a heatshrink stream with the given bits for window and look-ahead. Stops at the end of the input or
 * of `size` bytes, whichever comes first; returns what it has then.
 */
export function heatshrinkDecode(
  input: Uint8Array,
  windowBits: number,
  lookaheadBits: number,
  size: number,
): Buffer {
  const output = Buffer.alloc(size)
  const bits = new BitReader(input)
  let filled = 0
  while (filled < size) {
    const literal = bits.take(1)
    if (literal === 1) {
      const byte = bits.take(8)
      if (byte === undefined) break
      output[filled++] = byte
      continue
    }
    const distance = bits.take(windowBits)
    const count = bits.take(lookaheadBits)
    if (distance === undefined || count === undefined) break
    for (let i = 0; i <= count && filled < size; i++, filled++)
      output[filled] = output[filled - distance - 1] ?? 0
  }
  return output.subarray(0, filled)
}

/** Takes bits from bytes, the highest first. */
class BitReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next `count` bits (at most 16) as a number, undefined when there are fewer. */
  take(count: number): number | undefined {
    if (this.#at + count > this.#bytes.length * 8) return undefined
    let value = 0
    for (let i = 0; i < count; i++, this.#at++) {
      value = (value << 1) | ((this.#bytes[this.#at >> 3]! >> (7 - (this.#at & 7))) & 1)
    }
    return value
  }
}
