// Finds devices of one class in /sys by an attribute.
import { basename, dirname } from 'node:path'
import type { SystemFiles } from '../../core/system-files.ts'

/** The folders whose path starts with `start` and whose attribute fits, ordered by number. */
export async function classEntries(
  files: SystemFiles,
  start: string,
  attribute: string,
  fits: (text: string) => boolean,
): Promise<string[]> {
  const folder = dirname(start)
  const names = (await files.names(folder)).filter(name => name.startsWith(basename(start)))
  const found: string[] = []
  for (const name of names) {
    if (fits((await files.text(`${folder}/${name}/${attribute}`)) ?? '')) found.push(`${folder}/${name}`)
  }
  return found
}
