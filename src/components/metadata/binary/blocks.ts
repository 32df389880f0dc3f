// The blocks of binary G-code: where they are, whether they are intact, and what they contain.
import type { FileHandle } from 'node:fs/promises'
import { crc32, inflateSync } from 'node:zlib'
import { messageOf } from '../../../core/errors.ts'
import { heatshrinkDecode } from './heatshrink.ts'

const MAGIC = 'GCDE'
/** The bytes before the first block. */
export const FILE_HEADER = 10
/** The largest block in bytes, packed or unpacked; slicers write blocks of 64 KiB, and pictures and settings in one. */
export const MAX_BLOCK = 4 * 1024 * 1024

export const BLOCK = { file: 0, gcode: 1, slicer: 2, printer: 3, print: 4, picture: 5 } as const
/** The encoding of settings: lines of "key=value". */
export const INI = 0
const NAMES = ['file metadata', 'G-code', 'slicer metadata', 'printer metadata', 'print metadata', 'picture']
const COMPRESSION = { none: 0, deflate: 1, heatshrink11: 2, heatshrink12: 3 } as const

/** The header of a block. Sizes and positions are in bytes. */
export interface BlockHeader {
  readonly type: number
  readonly compression: number
  readonly unpacked: number
  readonly stored: number
  readonly position: number
  /** The size of the header itself. */
  readonly length: number
  /** The size of the parameters after it. */
  readonly parameters: number
}

/** A block with its content unpacked. */
export interface Block {
  readonly type: number
  /** Format, width and height of a picture; the encoding of anything else. */
  readonly parameters: readonly number[]
  readonly data: Buffer
}

/** A block is damaged, or the server does not support it. */
export class BlockError extends Error {
  override readonly name = 'BlockError'
  readonly code = 'EBLOCK'
}

/** A file of binary G-code that is open. */
export class BlockFile {
  readonly size: number
  readonly #file: FileHandle
  readonly #checksumBytes: number

  private constructor(file: FileHandle, size: number, checksumBytes: number) {
    this.#file = file
    this.size = size
    this.#checksumBytes = checksumBytes
  }

  /** Undefined if the file is not binary G-code. */
  static async of(file: FileHandle, size: number): Promise<BlockFile | undefined> {
    const header = await readAt(file, 0, FILE_HEADER)
    if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
    const checksum = header.length === FILE_HEADER ? header.readUInt16LE(8) : 0
    return new BlockFile(file, size, checksum === 0 ? 0 : 4)
  }

  /**
   * The header of the block at a position; undefined at the end of the file. Rejects with BlockError for a block of an
   * unknown type, or one that is too large.
   */
  async header(position: number): Promise<BlockHeader | undefined> {
    if (position >= this.size) return undefined
    const bytes = await readAt(this.#file, position, 12)
    if (bytes.length < 8) throw new BlockError(`the file ends early, in the block at byte ${position}`)
    const type = bytes.readUInt16LE(0)
    const compression = bytes.readUInt16LE(2)
    const unpacked = bytes.readUInt32LE(4)
    const isPacked = compression !== COMPRESSION.none
    const stored = isPacked && bytes.length === 12 ? bytes.readUInt32LE(8) : unpacked
    const parameters = type === BLOCK.picture ? 6 : 2
    const header = { type, compression, unpacked, stored, position, parameters, length: isPacked ? 12 : 8 }
    if (type >= NAMES.length) throw new BlockError(`unknown type ${type} of the block at byte ${position}`)
    if (Math.max(stored, unpacked) > MAX_BLOCK) throw damaged(header, 'too large')
    return header
  }

  /** The position after a block. */
  next(header: BlockHeader): number {
    return header.position + this.#length(header)
  }

  /** Reads, checks and unpacks a block. Rejects with BlockError if that is not possible. */
  async read(header: BlockHeader): Promise<Block> {
    const bytes = await readAt(this.#file, header.position, this.#length(header))
    if (bytes.length < this.#length(header)) throw damaged(header, 'cut short')
    const end = bytes.length - this.#checksumBytes
    if (this.#checksumBytes > 0 && crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end))
      throw damaged(header, 'damaged, its checksum is wrong')
    const data = unpack(bytes.subarray(header.length + header.parameters, end), header)
    const parameters = Array.from({ length: header.parameters / 2 }, (_, index) =>
      bytes.readUInt16LE(header.length + 2 * index),
    )
    return { type: header.type, parameters, data }
  }

  #length({ length, parameters, stored }: BlockHeader): number {
    return length + parameters + stored + this.#checksumBytes
  }
}

function damaged({ type, position }: BlockHeader, how: string): BlockError {
  return new BlockError(`the block of ${NAMES[type]} at byte ${position} is ${how}`)
}

function unpack(stored: Buffer, header: BlockHeader): Buffer {
  const data = decompress(stored, header)
  if (data.length !== header.unpacked) throw damaged(header, 'damaged, it ends early')
  return data
}

function decompress(stored: Buffer, header: BlockHeader): Buffer {
  const { compression, unpacked } = header
  if (compression === COMPRESSION.none) return stored
  if (compression === COMPRESSION.heatshrink11) return heatshrinkDecode(stored, 11, unpacked)
  if (compression === COMPRESSION.heatshrink12) return heatshrinkDecode(stored, 12, unpacked)
  if (compression !== COMPRESSION.deflate) throw damaged(header, `of an unknown compression, ${compression}`)
  try {
    return inflateSync(stored, { maxOutputLength: Math.max(unpacked, 1) })
  } catch (error) {
    throw damaged(header, `damaged, it cannot be decompressed: ${messageOf(error)}`)
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}
