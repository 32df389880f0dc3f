// Whether a G-code file is there: for those who keep names of files for long.
import { stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/**
 * When a file below the folder `gcodes` was last modified, in seconds since the epoch; null where there is no such
 * file, or the name is not the plain one of a file in the folder.
 */
export async function gcodeFileTime(gcodes: string, filename: string): Promise<number | null> {
  const path = join(gcodes, filename)
  const name = relative(gcodes, path)
  if (name !== filename || name === '' || /^\.\.(\/|$)/.test(name) || name.includes('\0')) return null
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.mtimeMs / 1000 : null
}
