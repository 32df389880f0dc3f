// The bit level of a JPEG scan: Huffman codes, signed numbers, stuffed bytes and restart markers.

/** A Huffman table as the file gives it: how many codes of each length from 1 to 16, and their values in order. */
export class HuffmanTable {
  readonly #values: Uint8Array
  /** For each length: the first code, the number of codes, and the index of the first one's value. */
  readonly #lengths: { first: number; count: number; index: number }[] = []

  constructor(counts: Uint8Array, values: Uint8Array) {
    this.#values = values
    let first = 0
    let index = 0
    for (const count of counts) {
      this.#lengths.push({ first, count, index })
      first = (first + count) << 1
      index += count
    }
  }

  /** The value of the code that the bits start with; 0 when no code fits, as at the end of a damaged scan. */
  read(nextBit: () => number): number {
    let code = 0
    for (const { first, count, index } of this.#lengths) {
      code = (code << 1) | nextBit()
      if (code - first < count) return this.#values[index + code - first] ?? 0
    }
    return 0
  }
}

/** Reads the bits of a scan. After its end every bit is 0. */
export class ScanBits {
  readonly #data: Buffer
  #at = 0
  #byte = 0
  #left = 0
  #ended = false

  constructor(data: Buffer) {
    this.#data = data
  }

  /** Whether bits after the end of the scan were read. */
  get ended(): boolean {
    return this.#ended
  }

  /** The next bit. */
  readonly bit = (): number => {
    if (this.#left === 0) this.#nextByte()
    this.#left--
    return (this.#byte >> this.#left) & 1
  }

  #nextByte(): void {
    this.#left = 8
    this.#byte = this.#data[this.#at] ?? 0
    const atMarker = this.#byte === 0xff && this.#data[this.#at + 1] !== 0
    this.#ended = this.#at >= this.#data.length || (atMarker && !isRestart(this.#data, this.#at))
    if (atMarker) this.#byte = 0
    else this.#at += this.#byte === 0xff ? 2 : 1
  }

  /** The value of the next code. */
  code(table: HuffmanTable): number {
    return table.read(this.bit)
  }

  /** A number of `size` bits without a sign. */
  unsigned(size: number): number {
    let value = 0
    for (let i = 0; i < size; i++) value = (value << 1) | this.bit()
    return value
  }

  /** A number of `size` bits in JPEG's encoding, where a leading 0 means negative. */
  signed(size: number): number {
    const value = this.unsigned(size)
    return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value
  }

  /** Continues after the next restart marker. */
  restart(): void {
    this.#left = 0
    while (this.#at + 1 < this.#data.length && !isRestart(this.#data, this.#at)) this.#at++
    this.#at += 2
  }
}

function isRestart(data: Buffer, at: number): boolean {
  return data[at] === 0xff && (data[at + 1]! & 0xf8) === 0xd0
}
