// Whether plain G-code was made by the server: its last line names the binary file, and the time of change that both have.
// A file of a user has no such line, or has changed or moved since.
import { appendFile, open, utimes } from 'node:fs/promises'

/** The longest last line: a path has 4,096 bytes, each of which may need three characters. */
const MAX_LINE = 16 * 1024
/** Milliseconds: file systems round times. */
const SAME_TIME = 2

/** A file below the gcodes root. */
interface Place {
  readonly relative: string
  readonly absolute: string
}

function lineOf(binary: string, modified: number): string {
  return `; plain G-code of ${encodeURIComponent(binary)}, made by moonraker-ts at ${Math.floor(modified)}`
}

/**
 * Marks the file at `path` as plain G-code of `binary`, which has changed at `modified`, in milliseconds since the epoch.
 * Gives it the same time.
 */
export async function markCopy(path: string, binary: Place, modified: number): Promise<void> {
  await appendFile(path, `${lineOf(binary.relative, modified)}\n`)
  await utimes(path, modified / 1000, modified / 1000)
}

/** Whether the server made `plain` from `binary`, and the file was neither changed nor moved since. False if it does not exist. */
export async function isCopy(plain: Place, binary: Place): Promise<boolean> {
  const file = await open(plain.absolute).catch(() => undefined)
  if (file === undefined) return false
  try {
    const { size, mtimeMs } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, MAX_LINE))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length)
    const line = buffer.toString('latin1', 0, bytesRead).trimEnd().split('\n').at(-1) ?? ''
    const [, time] = / at (\d+)$/.exec(line) ?? []
    return line === lineOf(binary.relative, Number(time)) && Math.abs(Number(time) - mtimeMs) < SAME_TIME
  } finally {
    await file.close()
  }
}
