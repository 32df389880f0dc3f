// Finds things of one kind in /sys by what they say they are.
import { basename, dirname } from 'node:path'
import type { SystemFiles } from '../../core/system-files.ts'

/** The folders that begin as `start` and whose attribute fits, by number. */
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
