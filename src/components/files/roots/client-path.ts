// The text of a client's path: its parts, and what no path may contain.
import { ApiError } from '../../../core/errors.ts'
import { STAGING_FOLDER } from './staging-folders.ts'

/** Limits of a client's path: each part costs a system call. */
const MAX_PARTS = 100
const MAX_BYTES = 4000

/** A normal form of a client's path: the same for all spellings, links not resolved. */
export function normalPath(path: string): string {
  return normalParts(path).join('/')
}

/** The parts of a path without `.` and `..`; a `..` that leads above the first part stays. */
export function normalParts(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

/**
 * The parts of a client's path without empty ones and `.`. Throws ApiError 400 for a path that is too long or leads
 * upwards, 403 for one into a staging folder.
 */
export function splitPath(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.length > MAX_PARTS || Buffer.byteLength(path) > MAX_BYTES) {
    throw new ApiError(400, `The path is too long: at most ${MAX_PARTS} parts and ${MAX_BYTES} bytes`)
  }
  for (const part of parts) {
    if (leadsUp(part) || part.includes('\0') || Buffer.byteLength(part) > 255) {
      throw new ApiError(400, 'The path leaves the folder or has a part that no file can have')
    }
  }
  if (parts.includes(STAGING_FOLDER)) {
    throw new ApiError(403, `Access to file ${parts.at(-1)} forbidden by reserved path '${STAGING_FOLDER}'`)
  }
  return parts
}

/**
 * Whether a part is `..`, or becomes `..` when a program decodes it once or twice more, reads backslashes as slashes, or
 * normalises Unicode look-alikes. These are valid names, but only attackers use them.
 */
function leadsUp(part: string): boolean {
  const plain = part
    .normalize('NFKC')
    .replace(/%25/g, '%')
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c|\\/gi, '/')
  return plain.split('/').includes('..')
}
