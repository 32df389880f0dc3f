// Reads the metadata and the pictures of binary G-code: the blocks at its start, not the G-code after them.
import { messageOf } from '../../../core/errors.ts'
import { readFields } from '../field.ts'
import { prusaSlicer, splitVersion } from '../slicers/prusa-slicer.ts'
import type { ImageFormat, SliceFields, SlicerIdentity, Thumbnail } from '../types.ts'
import { numberIn } from '../values.ts'
import { BLOCK, type Block, BlockError, type BlockFile, FILE_HEADER, INI } from './blocks.ts'

const MAX_TOTAL = 6 * 1024 * 1024
const MAX_BLOCKS = 64

/** The formats of pictures by their numbers. */
export const PICTURE_FORMATS: readonly ImageFormat[] = ['png', 'jpg', 'qoi']

/** What a binary file contains. It has no byte offsets of text commands. */
export interface BinaryScan {
  readonly metadata: SlicerIdentity & SliceFields
  readonly thumbnails: Thumbnail[]
  readonly notes: string[]
}

/** Reads the blocks before the G-code. Blocks that are damaged or too large are left out, with a note. */
export async function scanBinary(file: BlockFile): Promise<BinaryScan> {
  const notes: string[] = []
  const thumbnails: Thumbnail[] = []
  const settings = new Map<number, string>()
  for (const block of await readBlocks(file, notes)) {
    if (block.type === BLOCK.picture) {
      const [format = -1, width = 0, height = 0] = block.parameters
      const known = PICTURE_FORMATS[format]
      if (known) thumbnails.push({ width, height, format: known, data: block.data })
      else notes.push(`picture of unknown format ${format}`)
    } else if (block.parameters[0] === INI) settings.set(block.type, block.data.toString('latin1'))
  }
  return { metadata: await metadataOf(settings), thumbnails, notes }
}

async function readBlocks(file: BlockFile, notes: string[]): Promise<Block[]> {
  const blocks: Block[] = []
  let total = 0
  let position = FILE_HEADER
  try {
    for (let count = 0; count < MAX_BLOCKS; count++) {
      const header = await file.header(position)
      if (header === undefined || header.type === BLOCK.gcode) break
      total += Math.max(header.stored, header.unpacked)
      if (total > MAX_TOTAL) throw new BlockError('the blocks before the G-code are too large')
      position = file.next(header)
      const block = await file.read(header).catch(error => noteOf(error, notes))
      if (block !== undefined) blocks.push(block)
    }
  } catch (error) {
    noteOf(error, notes)
  }
  return blocks
}

/** Rethrows errors of the system. */
function noteOf(error: unknown, notes: string[]): undefined {
  if (!(error instanceof BlockError)) throw error
  notes.push(messageOf(error))
}

async function metadataOf(settings: ReadonlyMap<number, string>): Promise<SlicerIdentity & SliceFields> {
  const producer = /^Producer=([^\r\n]{1,200})/m.exec(settings.get(BLOCK.file) ?? '')?.[1]
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

/** The blocks contain lines of "key=value" with the keys that PrusaSlicer writes into the comments of text files. */
function asComments(settings: string): string {
  return settings.replace(/^([^=\r\n]{1,80})=/gm, '; $1 = ')
}
