// Lists a folder, to check that nothing else was made or removed.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Files that the server writes by itself, some of them after its start. */
const OWN = /moonraker\.log$|moonraker\.asvc$|moonraker-sql\.db/

/** All files and folders below `folder`, hidden ones included, sorted; folders end with '/'. Skips the server's own. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`)
    .filter(name => !OWN.test(name))
    .sort()
}
