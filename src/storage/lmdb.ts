// Reads the LMDB file (`data.mdb`) in which Moonraker stored its data until 2024: little endian, of 32 or 64 bits. The file
// is only read. Its format is that of LMDB 0.9: pages of the kinds meta, branch, leaf and overflow.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../core/errors.ts'

/** One record: the name of its database, its key and its value, all as bytes. */
export interface LmdbRecord {
  readonly database: Buffer
  readonly key: Buffer
  readonly value: Buffer
}

interface Shape {
  /** Bytes of a page number and of a size: 4 or 8. */
  readonly word: 4 | 8
  readonly pageSize: number
}

interface Node {
  readonly flags: number
  readonly key: Buffer
  readonly data: Buffer
  /** The page below, in a branch. */
  readonly child: number
}

const MAGIC = 0xbeefc0de
const VERSION = 1
const BRANCH = 0x01
const LEAF = 0x02
const OVERFLOW = 0x04
/** Node flags: the value is on overflow pages; the value describes a database. */
const IS_BIG = 0x01
const IS_DATABASE = 0x02
const DUPLICATES = 0x04
/** No file that fits on a disk has a deeper tree. */
const MAX_DEPTH = 32

/**
 * All records of all databases of the file. Damaged ones are skipped; `onDamage` receives a description of each. Throws
 * Error when the file as a whole cannot be read: missing, not an LMDB file, of another version or byte order.
 */
export function* readLmdb(file: string, onDamage: (text: string) => void): Generator<LmdbRecord> {
  const handle = openSync(file, 'r')
  try {
    const reader = new LmdbReader(handle)
    for (const { key: database, data, flags } of reader.nodes(reader.mainRoot, onDamage)) {
      if ((flags & IS_DATABASE) === 0) continue
      const report = (text: string) => onDamage(`${database.toString()}: ${text}`)
      for (const node of reader.nodes(reader.rootOf(data, 0), report)) {
        try {
          yield { database, key: node.key, value: reader.valueOf(node) }
        } catch (error) {
          report(messageOf(error))
        }
      }
    }
  } finally {
    closeSync(handle)
  }
}

class LmdbReader {
  /** The root page of the list of databases, or null. */
  readonly mainRoot: number | null
  readonly #handle: number
  readonly #pages: number
  readonly #shape: Shape
  /** A page has one parent; a second one means a damaged file, maybe with a loop. */
  readonly #seen = new Set<number>()

  constructor(handle: number) {
    this.#handle = handle
    const head = Buffer.alloc(128)
    readSync(handle, head, 0, head.length, 0)
    this.#shape = shapeOf(head)
    this.#pages = Math.floor(fstatSync(handle).size / this.#shape.pageSize)
    const metas = [this.#meta(0), this.#meta(1)].filter(meta => meta !== null)
    const newest = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1))[0]
    if (!newest) throw new Error('neither of its two meta pages is readable')
    this.mainRoot = newest.mainRoot
  }

  #meta(page: number): { mainRoot: number | null; transaction: bigint } | null {
    const { word } = this.#shape
    if (page >= this.#pages) return null
    const body = this.#read(page, 1).subarray(word + 8)
    if (body.readUInt32LE(0) !== MAGIC || body.readUInt32LE(4) !== VERSION) return null
    const databases = 8 + 2 * word
    const size = 8 + 5 * word
    return {
      mainRoot: this.rootOf(body, databases + size),
      transaction: this.#bigWord(body, databases + 2 * size + word),
    }
  }

  /** The root page of the database described at `offset`; null for an empty one. */
  rootOf(description: Buffer, offset: number): number | null {
    const { word } = this.#shape
    const root = this.#bigWord(description, offset + 8 + 4 * word)
    return root === (1n << BigInt(8 * word)) - 1n ? null : Number(root)
  }

  /** The nodes of all leaves below `root`, in the order of their keys. */
  *nodes(root: number | null, onDamage: (text: string) => void, depth = 0): Generator<Node> {
    if (root === null) return
    let nodes: Node[]
    let isBranch: boolean
    try {
      if (depth > MAX_DEPTH) throw new Error(`page ${root} is too deep`)
      const page = this.#page(root)
      const flags = page.readUInt16LE(this.#shape.word + 2)
      isBranch = (flags & BRANCH) !== 0
      if (isBranch === ((flags & LEAF) !== 0)) throw new Error(`page ${root} is neither branch nor leaf`)
      nodes = this.#nodesOf(page, isBranch)
    } catch (error) {
      onDamage(error instanceof RangeError ? `page ${root} is damaged` : messageOf(error))
      return
    }
    for (const node of nodes) {
      if (isBranch) yield* this.nodes(node.child, onDamage, depth + 1)
      else yield node
    }
  }

  /** The value of a leaf's node. Throws Error if it is damaged. */
  valueOf({ flags, data }: Node): Buffer {
    if ((flags & (IS_DATABASE | DUPLICATES)) !== 0) throw new Error('a key without a plain value')
    if ((flags & IS_BIG) === 0) return data
    const { word, pageSize } = this.#shape
    const size = data.readUInt32LE(0)
    const first = Number(this.#bigWord(data, 4))
    const header = word + 8
    const count = Math.ceil((header + size) / pageSize)
    if (first + count > this.#pages) throw new Error(`a value on page ${first} is beyond the end`)
    const bytes = this.#read(first, count)
    if ((bytes.readUInt16LE(word + 2) & OVERFLOW) === 0)
      throw new Error(`page ${first} is not an overflow page`)
    return bytes.subarray(header, header + size)
  }

  #nodesOf(page: Buffer, isBranch: boolean): Node[] {
    const { word } = this.#shape
    const header = word + 8
    const count = (page.readUInt16LE(word + 4) - header) >> 1
    const nodes: Node[] = []
    for (let index = 0; index < count; index += 1) {
      const node = page.subarray(page.readUInt16LE(header + 2 * index))
      const low = node.readUInt32LE(0)
      const flags = node.readUInt16LE(4)
      const end = 8 + node.readUInt16LE(6)
      // In a branch the flags are the highest 16 bits of the page number, where page numbers have 64.
      const child = isBranch ? low + (word === 8 ? flags * 2 ** 32 : 0) : 0
      const data = isBranch ? node.subarray(end, end) : this.#dataOf(node, end, low, flags)
      nodes.push({ flags, key: node.subarray(8, end), data, child })
    }
    return nodes
  }

  /** For a big value: its size, from the node's header, and the word with its page. */
  #dataOf(node: Buffer, start: number, size: number, flags: number): Buffer {
    if ((flags & IS_BIG) !== 0)
      return Buffer.concat([node.subarray(0, 4), node.subarray(start, start + this.#shape.word)])
    if (start + size > node.length) throw new Error('a value ends beyond its page')
    return node.subarray(start, start + size)
  }

  #page(number: number): Buffer {
    if (number >= this.#pages) throw new Error(`page ${number} is beyond the end of the file`)
    if (this.#seen.has(number)) throw new Error(`page ${number} is referred to twice`)
    this.#seen.add(number)
    const page = this.#read(number, 1)
    if (this.#bigWord(page, 0) !== BigInt(number)) throw new Error(`page ${number} has another number`)
    return page
  }

  #read(first: number, count: number): Buffer {
    const { pageSize } = this.#shape
    const bytes = Buffer.alloc(count * pageSize)
    const got = readSync(this.#handle, bytes, 0, bytes.length, first * pageSize)
    if (got < bytes.length) throw new Error(`page ${first} is cut off`)
    return bytes
  }

  #bigWord(bytes: Buffer, offset: number): bigint {
    return this.#shape.word === 8 ? bytes.readBigUInt64LE(offset) : BigInt(bytes.readUInt32LE(offset))
  }
}

/** A page starts with its number and 8 bytes; the position of the magic after them gives the word size. */
function shapeOf(head: Buffer): Shape {
  for (const word of [8, 4] as const) {
    const start = word + 8
    if (head.readUInt32LE(start) !== MAGIC) continue
    const version = head.readUInt32LE(start + 4)
    if (version !== VERSION) throw new Error(`it has LMDB version ${version}; only ${VERSION} is supported`)
    const pageSize = head.readUInt32LE(start + 8 + 2 * word)
    if (pageSize < 256 || pageSize > 65536) throw new Error(`its page size ${pageSize} is invalid`)
    return { word, pageSize }
  }
  throw new Error('it is not an LMDB file, or it has the other byte order')
}
