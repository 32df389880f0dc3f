// Scans a G-code file for its slicer, what the slicer wrote about the print, and the images.
import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { bigtreePictures } from './bigtree-pictures.ts'
import { BlockFile } from './binary/blocks.ts'
import { scanBinary } from './binary/scan-binary.ts'
import { displayPictures } from './display-pictures.ts'
import { readFields } from './field.ts'
import { afterLastCommand, firstCommand } from './gcode-bounds.ts'
import { OBJECTS_MARK } from './objects/rewrite.ts'
import { slicerOf } from './slicers/index.ts'
import { thumbnailBlocks } from './thumbnail-blocks.ts'
import type { GcodeMetadata, ScanResult, Thumbnail } from './types.ts'
import type { Windows } from './windows.ts'
import { readWindows, searchBetween } from './windows.ts'

/** What the Python tool of that name writes into a file. */
const PREPROCESSED = /^; Pre-Processed for Cancel-Object support by preprocess_cancellation v?\d/m

/** What Klipper Estimator writes at the end of a file. */
const ESTIMATED = /^; Processed by klipper_estimator v?\d/m
const FOOTER = 64 * 1024

/**
 * Reads the metadata and the images of one G-code file, plain or binary, which its first bytes decide. Reads 2 MiB of a
 * plain file, 5 at most, and more only if the height is missing, see `searchBetween`. What cannot be understood is left
 * out; rejects only with the system's error if the file cannot be opened or read.
 */
export async function scanFile(path: string): Promise<ScanResult> {
  const file = await open(path, 'r')
  try {
    const { size, mtimeMs } = await file.stat()
    const stamp = { size, modified: mtimeMs / 1000, uuid: randomUUID() }
    const binary = await BlockFile.of(file, size)
    if (binary !== undefined) {
      const { metadata, thumbnails, notes } = await scanBinary(binary)
      return { metadata: { ...stamp, file_processors: [], ...metadata }, thumbnails, notes }
    }
    return await scanText(file, stamp)
  } finally {
    await file.close()
  }
}

async function scanText(
  file: FileHandle,
  stamp: Pick<GcodeMetadata, 'size' | 'modified' | 'uuid'>,
): Promise<ScanResult> {
  const windows = await readWindows(file, stamp.size)
  const { slicer, identity } = slicerOf(windows.head)
  const metadata: GcodeMetadata = {
    ...stamp,
    file_processors: processedBy(windows),
    ...identity,
    ...gcodeBytes(windows),
    ...(await readFields(slicer, {
      ...windows,
      between: read => searchBetween(file, windows, read),
    })),
  }
  const notes: string[] = []
  const thumbnails = slicer.thumbnails === false ? [] : findThumbnails(windows, notes)
  return { metadata, thumbnails, notes }
}

/** The programs that rewrote the file, by their marks. */
function processedBy({ head, tail }: Windows): string[] {
  return [
    ...(objectsProcessed(head) ? ['preprocess_cancellation'] : []),
    ...(ESTIMATED.test(tail.slice(-FOOTER)) ? ['klipper_estimator'] : []),
  ]
}

function objectsProcessed(head: string): boolean {
  return head.includes(`\n${OBJECTS_MARK}`) || head.startsWith(OBJECTS_MARK) || PREPROCESSED.test(head)
}

function gcodeBytes({
  head,
  tail,
  tailStart,
}: Windows): Pick<GcodeMetadata, 'gcode_start_byte' | 'gcode_end_byte'> {
  const start = firstCommand(head)
  const end = afterLastCommand(tail)
  return {
    ...(start !== undefined && { gcode_start_byte: start }),
    ...(end !== undefined && { gcode_end_byte: tailStart + end }),
  }
}

/** Images for displays are used only if the file contains no others. */
function findThumbnails({ head, tail, tailStart }: Windows, notes: string[]): Thumbnail[] {
  const rest = head === tail ? '' : tail.slice(Math.max(0, head.length - tailStart))
  const finders = [
    (text: string) => thumbnailBlocks(text, 'thumbnail', notes),
    (text: string) => thumbnailBlocks(text, 'png', notes),
    (text: string) => displayPictures(text, notes),
    bigtreePictures,
  ]
  for (const find of finders) {
    const found = [...find(head), ...find(rest)]
    if (found.length > 0) return found
  }
  return []
}
