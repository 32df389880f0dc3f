// Whether a G-code file is there: for those who keep names of files for long.
import { stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'

/**
 * When a file below the folder `gcodes` was last modified, in seconds since the epoch; null where there is no such
 * file, or the name leads out of the folder.
 */
export async function gcodeFileTime(gcodes: string, filename: string): Promise<number | null> {
  if (filename === '' || filename.includes('\0')) return null
  const path = resolve(gcodes, filename.replace(/^\/+/, ''))
  if (!path.startsWith(gcodes.endsWith(sep) ? gcodes : gcodes + sep)) return null
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.mtimeMs / 1000 : null
}
