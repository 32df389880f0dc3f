// Whether a G-code file exists, for components that store file names.
import { stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/**
 * When a file below the folder `gcodes` was last modified, in seconds since the epoch. Null for a missing file, and for a
 * name that is not the normalized path of a file below the folder.
 */
export async function gcodeFileTime(gcodes: string, filename: string): Promise<number | null> {
  const path = join(gcodes, filename)
  const name = relative(gcodes, path)
  if (name !== filename || name === '' || /^\.\.(\/|$)/.test(name) || name.includes('\0')) return null
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.mtimeMs / 1000 : null
}
