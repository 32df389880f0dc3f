// Random G-code files, made from the vocabulary: each one is a design that can be written in any size.
import { ATOMS, ENDS, HEADS, IMAGES, KEYS, SIDES, STARTS } from './vocabulary.ts'

/** A part of a file: `start`, `unit` again and again, `end`. With `image` they are the bytes of an image. */
interface Part {
  readonly start: string
  readonly unit: string
  readonly end: string
  readonly image?: string
}

/** A file: the first line of a slicer, and parts. */
export interface Design {
  readonly head: string
  readonly parts: readonly Part[]
}

const SETTINGS = KEYS.flatMap(key => [`; ${key} = `, `;${key}:`])

/** Makes designs; the same seed makes the same ones. */
export class Designer {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** A random whole number from 0 to below `limit` (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  design(): Design {
    return { head: this.one(HEADS), parts: Array.from({ length: 1 + this.below(2) }, () => this.#part()) }
  }

  /** Every start of a part with every text that is repeated, in a random order. */
  *combinations(): Generator<Design> {
    const all = [...STARTS, ...SETTINGS].flatMap(start => ATOMS.map(unit => ({ start, unit })))
    while (all.length > 0) {
      const [pair] = all.splice(this.below(all.length), 1)
      if (pair !== undefined) yield { head: this.one(HEADS), parts: [{ ...pair, end: this.one(ENDS) }] }
    }
  }

  /** A design with one small difference. */
  change({ head, parts }: Design): Design {
    if (this.below(6) === 0) return { head: this.one(HEADS), parts }
    if (this.below(8) === 0) return { head, parts: [...parts, this.#part()].slice(-3) }
    const index = this.below(parts.length)
    const part = parts[index] as Part
    const changed = part.image === undefined ? this.#changedText(part) : this.#changedImage(part, part.image)
    return { head, parts: parts.with(index, this.below(5) === 0 ? this.#part() : changed) }
  }

  #changedText(part: Part): Part {
    return this.one([
      { ...part, unit: this.#unit() },
      { ...part, unit: part.unit + this.one(ATOMS) },
      { ...part, start: this.#start() },
      { ...part, end: this.one(ENDS) },
    ])
  }

  #changedImage(part: Part, image: string): Part {
    const other = this.#image(image)
    return this.one([other, { ...part, unit: part.unit + other.unit }, { ...part, unit: `${part.unit}00` }])
  }

  #part(): Part {
    if (this.below(5) === 0) return this.#image(this.one(Object.keys(IMAGES)))
    return { start: this.#start(), unit: this.#unit(), end: this.one(ENDS) }
  }

  #image(image: string): Part {
    const { start, atoms } = IMAGES[image] as (typeof IMAGES)[string]
    return { image, start: start(this.one(SIDES)), unit: this.#upTo(3, () => this.one(atoms)), end: '' }
  }

  #start(): string {
    return this.one(this.below(3) === 0 ? SETTINGS : STARTS)
  }

  #unit(): string {
    return this.#upTo(3, () => (this.below(4) === 0 ? this.#start() : this.one(ATOMS)))
  }

  #upTo(most: number, make: () => string): string {
    return Array.from({ length: 1 + this.below(most) }, make).join('')
  }

  /** Binary G-code of random blocks, of about `size` bytes. */
  binary(size: number): Buffer {
    const blocks: Buffer[] = [Buffer.from('47434445010000000000', 'hex')]
    for (let total = 0; total < size; ) {
      const text = this.one(['\xff', '\xff\xff\xfb', '\x00', '1', '\xbb\xcc', 'G1 X'])
      const data = Buffer.alloc(this.below(60_000), text, 'latin1')
      blocks.push(this.#blockHeader(data.length), data)
      total += data.length + 1000
    }
    return Buffer.concat(blocks)
  }

  #blockHeader(length: number): Buffer {
    const compression = this.below(4)
    const header = Buffer.alloc(compression === 0 ? 10 : 14)
    header.writeUInt16LE(this.one([0, 1, 1, 1, 2, 3, 4]), 0)
    header.writeUInt16LE(compression, 2)
    header.writeUInt32LE(compression === 0 ? length : this.one([length, 65_536, 4_000_000]), 4)
    if (compression !== 0) header.writeUInt32LE(length, 8)
    header.writeUInt16LE(this.below(3), header.length - 2)
    return header
  }
}

/** The file of a design, of about `size` bytes. */
export function contentOf({ head, parts }: Design, size: number): Buffer {
  return Buffer.from(head + parts.map(part => textOf(part, size / parts.length)).join(''), 'latin1')
}

function textOf({ start, unit, end, image }: Part, length: number): string {
  const times = (bytes: number, each: number) => Math.ceil(Math.max(0, bytes) / Math.max(1, each))
  if (image === undefined) return start + unit.repeat(times(length - start.length, unit.length)) + end
  const text = Buffer.from(start + unit.repeat(times(1.5 * length, unit.length)), 'hex').toString('base64')
  const lines = text.match(/.{1,78}/g) ?? []
  const body = lines.map(line => `; ${line}\n`).join('')
  return `\n; thumbnail begin 300x300 ${text.length}\n${body}; thumbnail end\n`
}
