// Which distribution of Linux this is, for lists of packages that differ by distribution.
import { readFile } from 'node:fs/promises'
import { readAssignments } from '../../../core/shell-assignments.ts'

/** The distribution. */
export interface OsRelease {
  /** `debian`; '' where it is not known. */
  readonly id: string
  /** `12`; '' where it is not known. */
  readonly version: string
  /** Distributions that it is derived from. */
  readonly likes: readonly string[]
  /** `raspberry-pi` on such a computer; '' elsewhere. */
  readonly vendor: string
}

/** Reads it from the system; nothing is known where the files are missing. */
export async function readOsRelease(file = '/etc/os-release'): Promise<OsRelease> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const { ID = '', VERSION_ID = '', ID_LIKE = '' } = readAssignments(text)
  const model = await readFile('/proc/device-tree/model', 'utf8').catch(() => '')
  return {
    id: ID.toLowerCase(),
    version: VERSION_ID,
    likes: ID_LIKE.toLowerCase()
      .split(/\s+/)
      .filter(name => name !== ''),
    vendor: model.startsWith('Raspberry Pi') ? 'raspberry-pi' : '',
  }
}
