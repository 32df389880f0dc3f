// Random bytes of the kernel. node:crypto, which a print with clients does without, would take a megabyte of memory.
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'

/** `count` unpredictable bytes. For single calls: node:crypto is faster. */
export function kernelRandom(count: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(count)
  return fill(bytes) ? bytes : randomBytes(count)
}

/** Returns whether all bytes are from the kernel; false where /dev is missing. */
function fill(bytes: Buffer): boolean {
  try {
    const file = openSync('/dev/urandom', 'r')
    try {
      return readSync(file, bytes) === bytes.length
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
}
