// Reads the start and the end of a G-code file, where slicers describe the print, and the middle only if needed.
import type { FileHandle } from 'node:fs/promises'
import { firstCommand } from './gcode-bounds.ts'

const MIB = 1024 * 1024
/** The largest size of the start, for files whose first MiB contains only images and settings. */
const LONGEST_HEAD = 4 * MIB

/** The start and the end of a file as latin1, so that a character is a byte. */
export interface Windows {
  head: string
  /** Is `head` itself if that is the whole file. It may repeat the end of `head`. */
  tail: string
  /** Offset of `tail` in the file. */
  tailStart: number
  size: number
}

/**
 * Reads at most the first and the last MiB of a file of `size` bytes. The start grows up to 4 MiB if the first MiB
 * contains no command, because of large images.
 */
export async function readWindows(file: FileHandle, size: number): Promise<Windows> {
  let head = await readText(file, 0, Math.min(size, MIB))
  if (size > MIB && firstCommand(head) === undefined && head.includes('\n;'))
    head += await readText(file, MIB, Math.min(size, LONGEST_HEAD) - MIB)
  if (size <= head.length) return { head, tail: head, tailStart: 0, size }
  const tailStart = Math.max(0, size - MIB)
  return { head, tail: await readText(file, tailStart, size - tailStart), tailStart, size }
}

/** Bytes of the middle of a file that are searched at most, and read at once. */
const LONGEST_SEARCH = 64 * MIB
/** Bytes that two parts have in common: a line that one part cuts is whole in the other. */
const OVERLAP = 1024

/**
 * Calls `read` with parts of the text between the windows, the last one first, until it returns a value. Reads at most
 * the last 64 MiB of it.
 */
export async function searchBetween<T>(
  file: FileHandle,
  { head, tailStart }: Windows,
  read: (text: string) => T | undefined,
): Promise<T | undefined> {
  const start = Math.max(0, head.length - OVERLAP, tailStart - LONGEST_SEARCH)
  for (let end = tailStart; end > start; end -= MIB) {
    const from = Math.max(start, end - MIB)
    const found = read(await readText(file, from, end + OVERLAP - from))
    if (found !== undefined) return found
  }
  return undefined
}

/** Reads part of a file as latin1; less than `length` if the file ends before. */
export async function readText(file: FileHandle, position: number, length: number): Promise<string> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.toString('latin1', 0, filled)
}
