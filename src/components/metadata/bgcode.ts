// Reads binary G-code (.bgcode): the metadata and image blocks at its start, never the G-code blocks after them.
import type { FileHandle } from 'node:fs/promises'
import { crc32, inflateSync } from 'node:zlib'
import { readFields } from './field.ts'
import { heatshrinkDecode } from './heatshrink.ts'
import { prusaSlicer, splitVersion } from './slicers/prusa-slicer.ts'
import type { ImageFormat, SliceFields, SlicerIdentity, Thumbnail } from './types.ts'
import { numberIn } from './values.ts'

const MAGIC = 'GCDE'
const FILE_HEADER = 10
const LARGEST_BLOCK = 4 * 1024 * 1024
const LARGEST_TOTAL = 6 * 1024 * 1024
const MOST_BLOCKS = 64

const BLOCK = { fileMetadata: 0, gcode: 1, slicer: 2, printer: 3, print: 4, thumbnail: 5 } as const
const FORMATS: readonly ImageFormat[] = ['png', 'jpg', 'qoi']

interface Block {
  type: number
  /** Format, width and height of an image; the encoding of anything else. */
  parameters: number[]
  data: Buffer
}

/** What a binary file tells; it has no byte offsets that text commands could stand at. */
export interface BinaryScan {
  metadata: SlicerIdentity & SliceFields
  thumbnails: Thumbnail[]
  notes: string[]
}

/** Tells by its first bytes whether a file is binary G-code. */
export async function isBinaryGcode(file: FileHandle): Promise<boolean> {
  return (await readAt(file, 0, MAGIC.length)).toString('latin1') === MAGIC
}

/** Reads the blocks before the G-code. Blocks that are damaged or too large are left out, with a note. */
export async function scanBinaryGcode(file: FileHandle, size: number): Promise<BinaryScan> {
  const notes: string[] = []
  const thumbnails: Thumbnail[] = []
  const settings = new Map<number, string>()
  for (const block of await readBlocks(file, size, notes)) {
    if (block.type === BLOCK.thumbnail) {
      const [format = -1, width = 0, height = 0] = block.parameters
      const known = FORMATS[format]
      if (known) thumbnails.push({ width, height, format: known, data: block.data })
      else notes.push(`image of unknown format ${format}`)
    } else settings.set(block.type, block.data.toString('latin1'))
  }
  return { metadata: await metadataOf(settings), thumbnails, notes }
}

async function metadataOf(settings: ReadonlyMap<number, string>): Promise<SlicerIdentity & SliceFields> {
  const producer = /^Producer=([^\r\n]{1,200})/m.exec(settings.get(BLOCK.fileMetadata) ?? '')?.[1]
  const order = [BLOCK.print, BLOCK.printer, BLOCK.slicer]
  const comments = asComments(order.map(type => settings.get(type) ?? '').join('\n'))
  const height = /^; max_layer_z = ([^\n]{1,40})/m.exec(comments)?.[1]
  const object_height = height === undefined ? undefined : numberIn(height)
  return {
    ...(producer === undefined ? { slicer: 'Unknown', slicer_version: '?' } : splitVersion(producer)),
    ...(await readFields(prusaSlicer, { head: comments, tail: comments })),
    ...(object_height !== undefined && { object_height }),
  }
}

/** The blocks hold "key=value" lines, the same keys that PrusaSlicer writes into comments of text files. */
function asComments(settings: string): string {
  return settings.replace(/^([^=\r\n]{1,80})=/gm, '; $1 = ')
}

async function readBlocks(file: FileHandle, size: number, notes: string[]): Promise<Block[]> {
  const blocks: Block[] = []
  const checked = (await readAt(file, 8, 2))[0] === 1
  let at = FILE_HEADER
  let total = 0
  for (let count = 0; count < MOST_BLOCKS && at + 8 <= size; count++) {
    const header = await readHeader(file, at)
    if (!header || header.type === BLOCK.gcode) break
    total += Math.max(header.stored, header.unpacked)
    if (header.stored > LARGEST_BLOCK || header.unpacked > LARGEST_BLOCK || total > LARGEST_TOTAL) {
      notes.push(`block at byte ${at}: too large`)
      break
    }
    const block = await readBlock(file, at, header, checked)
    if (typeof block === 'string') notes.push(`block at byte ${at}: ${block}`)
    else blocks.push(block)
    at += header.length + header.parameters + header.stored + (checked ? 4 : 0)
  }
  return blocks
}

interface Header {
  type: number
  compression: number
  unpacked: number
  stored: number
  /** Bytes of the header itself. */
  length: number
  /** Bytes of the parameters after it. */
  parameters: number
}

async function readHeader(file: FileHandle, at: number): Promise<Header | undefined> {
  const bytes = await readAt(file, at, 12)
  if (bytes.length < 8) return undefined
  const type = bytes.readUInt16LE(0)
  const compression = bytes.readUInt16LE(2)
  const unpacked = bytes.readUInt32LE(4)
  if (type > BLOCK.thumbnail || (compression !== 0 && bytes.length < 12)) return undefined
  const stored = compression === 0 ? unpacked : bytes.readUInt32LE(8)
  const parameters = type === BLOCK.thumbnail ? 6 : 2
  return { type, compression, unpacked, stored, length: compression === 0 ? 8 : 12, parameters }
}

async function readBlock(
  file: FileHandle,
  at: number,
  header: Header,
  checked: boolean,
): Promise<Block | string> {
  const start = header.length
  const end = start + header.parameters + header.stored
  const bytes = await readAt(file, at, end + (checked ? 4 : 0))
  if (bytes.length < end + (checked ? 4 : 0)) return 'cut short'
  if (checked && crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return 'its checksum is wrong'
  const data = unpack(bytes.subarray(start + header.parameters, end), header)
  if (typeof data === 'string') return data
  const count = header.parameters / 2
  return {
    type: header.type,
    parameters: Array.from({ length: count }, (_, i) => bytes.readUInt16LE(start + 2 * i)),
    data,
  }
}

function unpack(stored: Buffer, { compression, unpacked }: Header): Buffer | string {
  if (compression === 0) return stored
  if (compression === 2) return heatshrinkDecode(stored, 11, 4, unpacked)
  if (compression === 3) return heatshrinkDecode(stored, 12, 4, unpacked)
  if (compression !== 1) return `unknown compression ${compression}`
  try {
    return inflateSync(stored, { maxOutputLength: Math.max(unpacked, 1) })
  } catch (error) {
    return `cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}
