// What lies in a folder, to see that nothing else was made or lost.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** What the server writes by itself, some of it only after its start. */
const OWN = /moonraker\.log$|moonraker\.asvc$|moonraker-sql\.db/

/** All files and folders below `folder`, hidden ones too, sorted; folders end in '/'. The server's own do not count. */
export function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`)
    .filter(name => !OWN.test(name))
    .sort()
}
