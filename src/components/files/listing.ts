// The list of all files of a root.
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Root } from './roots.ts'

/** What Klipper prints. */
const GCODE_EXTENSIONS = ['.gcode', '.g', '.gco', '.ufp', '.nc']

/** A file in a listing. */
export interface FileEntry {
  readonly path: string
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** Whether the gcodes root lists a file of this name. */
export function isGcodeName(name: string): boolean {
  const lower = name.toLowerCase()
  return GCODE_EXTENSIONS.some(extension => lower.endsWith(extension))
}

/** All files below a root; of `gcodes` those that can be printed. Folders whose name begins with a dot are left out. */
export async function listFiles(root: Root): Promise<FileEntry[]> {
  const entries: FileEntry[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await opendir(join(root.path, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(path)
      if (!entry.isFile() || (root.name === 'gcodes' && !isGcodeName(entry.name))) continue
      const described = await describeFile(root, path)
      if (described !== undefined) entries.push(described)
    }
  }
  return entries
}

/** A file's entry; undefined when it is gone. */
export async function describeFile(root: Root, path: string): Promise<FileEntry | undefined> {
  try {
    const { mtimeMs, size } = await stat(join(root.path, path))
    return { path, modified: mtimeMs / 1000, size, permissions: root.writable ? 'rw' : 'r' }
  } catch {
    return undefined
  }
}
