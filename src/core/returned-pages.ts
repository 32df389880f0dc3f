// Returns memory to the system with calls that Node does not have, through the optional package koffi.
import { closeSync, openSync, readSync } from 'node:fs'
import { LineSplitter } from './line-splitter.ts'

/** Of madvise(2): the pages of a file are no longer mapped, until their next use. */
const MADV_DONTNEED = 4

/** What returns memory that is not V8's. */
export interface ReturnedPages {
  /** What the C library keeps of freed memory. */
  freed(): void
  /** The code and constant data of Node and its libraries. What is still used is mapped again, from the system's cache. */
  programs(): void
}

/** A part of the address space. */
interface Mapping {
  readonly start: number
  readonly length: number
}

/** Loads the calls; null without koffi. */
export async function loadReturnedPages(): Promise<ReturnedPages | null> {
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const advise = library.func('int madvise(uintptr_t start, size_t length, int advice)')
    return {
      freed: freedWith(() => library.func('int malloc_trim(size_t)')),
      programs: () => {
        for (const { start, length } of unchangedMappings('/proc/self/smaps'))
          advise(start, length, MADV_DONTNEED)
      },
    }
  } catch {
    return null
  }
}

/** Only glibc has this call. */
function freedWith(load: () => (kept: number) => void): () => void {
  try {
    const trim = load()
    return () => trim(0)
  } catch {
    return () => {}
  }
}

/**
 * Bytes of the smallest mapping that counts. Another thread may load a small library at any time, such as those for look-ups of
 * names: the linker maps such a library as a whole first, and then its data over a part of it, which must not be dropped.
 */
const MIN_LENGTH = 1024 * 1024
const HEADER = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \d+ +\//
/** Bytes of one read. A block of the whole file would make glibc keep more of what is freed later. */
const PIECE = 4096

/**
 * Those large mappings of files that cannot be written and of which no page differs from the file, from /proc/PID/smaps; none
 * without such a file. The dynamic linker changes pages before it protects them: they must not be read from the file again.
 */
export function unchangedMappings(smaps: string): Mapping[] {
  const found: Mapping[] = []
  let mapping: Mapping | null = null
  forEachLine(smaps, line => {
    if (/^[0-9a-f]+-/.test(line)) mapping = mappingOf(line)
    else if (mapping !== null && /^Anonymous: +0 kB$/.test(line)) found.push(mapping)
  })
  return found
}

/** The mapping of a header line; null if it can be written, is not of a file, or is too small. */
function mappingOf(line: string): Mapping | null {
  const [, first, end] = HEADER.exec(line) ?? []
  if (first === undefined || end === undefined) return null
  const start = Number.parseInt(first, 16)
  const length = Number.parseInt(end, 16) - start
  return length < MIN_LENGTH ? null : { start, length }
}

function forEachLine(path: string, onLine: (line: string) => void): void {
  const lines = new LineSplitter(onLine)
  const piece = Buffer.allocUnsafe(PIECE)
  try {
    const file = openSync(path, 'r')
    try {
      for (let length = readSync(file, piece); length > 0; length = readSync(file, piece))
        lines.push(piece.subarray(0, length))
    } finally {
      closeSync(file)
    }
  } catch {
    // A system without /proc.
  }
}
