// Reads a G-code file line by line, in large parts and bounded memory.
import type { FileHandle } from 'node:fs/promises'

/** Bytes that are read at once: a few milliseconds of work, then other tasks of the process run. */
const CHUNK = 128 * 1024
/** A longer line is passed on in parts, each as a line without an end. */
const LONGEST_LINE = 1024 * 1024

/**
 * Calls `read` with parts of the file as latin1, so that a character is a byte. Each part ends with the end of a line,
 * unless the line is very long or the last one. Rejects with the system's error and with the reason of `signal`.
 */
export async function readLines(
  file: FileHandle,
  signal: AbortSignal,
  read: (part: string) => void | Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK)
  let rest = ''
  for (let offset = 0; ; ) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, CHUNK, offset)
    if (bytesRead === 0) break
    offset += bytesRead
    const text = rest + buffer.toString('latin1', 0, bytesRead)
    const end = text.length > LONGEST_LINE ? text.length : text.lastIndexOf('\n') + 1
    rest = text.slice(end)
    if (end > 0) await read(text.slice(0, end))
  }
  if (rest !== '') await read(rest)
}

/** The start of the first line at or after `from` that starts with `first`; the length of the part if no line does. */
export function nextLineWith(part: string, first: string, from: number): number {
  if (part.startsWith(first, from)) return from
  const newline = part.indexOf(`\n${first}`, from)
  return newline === -1 ? part.length : newline + 1
}

/** The end of the line at `start`, after its line break. */
export function endOfLine(part: string, start: number): number {
  const newline = part.indexOf('\n', start)
  return newline === -1 ? part.length : newline + 1
}

/** The lines of a part that start with `first`. */
export function* linesWith(part: string, first: string): Generator<string> {
  for (let at = nextLineWith(part, first, 0); at < part.length; ) {
    const end = endOfLine(part, at)
    yield part.slice(at, end)
    at = nextLineWith(part, first, end)
  }
}
