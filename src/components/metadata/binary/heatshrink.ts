// Decompresses heatshrink, the small LZSS format that binary G-code uses for its blocks.

/** Bits of the length of a back reference. */
const LENGTH_BITS = 4

/**
 * Decompresses a stream with a window of `windowBits` (at most 12) into at most `size` bytes. A stream that ends early
 * results in fewer bytes.
 */
export function heatshrinkDecode(input: Uint8Array, windowBits: number, size: number): Buffer {
  const output = Buffer.alloc(size)
  const referenceBits = windowBits + LENGTH_BITS
  let filled = 0
  let at = 0
  /** The next bits of the stream, the first one highest: `count` of them, at most 24. */
  let bits = 0
  let count = 0
  while (filled < size) {
    while (count < 17 && at < input.length) {
      bits = (bits << 8) | input[at]!
      at += 1
      count += 8
    }
    if (count === 0) break
    count -= 1
    const isLiteral = (bits >> count) & 1
    const needed = isLiteral === 1 ? 8 : referenceBits
    if (count < needed) break
    count -= needed
    const value = (bits >> count) & ((1 << needed) - 1)
    bits &= (1 << count) - 1
    if (isLiteral === 1) {
      output[filled] = value
      filled += 1
    } else {
      const end = Math.min(size, filled + (value & 15) + 1)
      // What is before the start counts as zeros.
      let from = filled - (value >> LENGTH_BITS) - 1
      for (; filled < end; filled++, from++) output[filled] = from < 0 ? 0 : output[from]!
    }
  }
  return output.subarray(0, filled)
}
