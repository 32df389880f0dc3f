// What lies in a folder, to see that nothing else was made or lost.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** All files and folders below `folder`, hidden ones too, sorted; folders end in '/'. What is logged does not count. */
export function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`)
    .filter(name => !name.endsWith('moonraker.log') && !name.includes('moonraker-sql.db'))
    .sort()
}
