// Makes folders with those above them. Node's own recursive mkdir tries without end where the folder above exists and the
// system still reports it as missing, as in /proc.
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Makes a folder, and the missing ones above it. Throws the error of the file system. */
export function makeFoldersSync(path: string, mode?: number): void {
  const missing: string[] = []
  for (let folder = resolve(path); !isFolder(folder); folder = dirname(folder)) missing.push(folder)
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, mode)
    } catch (error) {
      // Another program may have made it meanwhile.
      if (!isFolder(folder)) throw error
    }
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** As `makeFoldersSync`, for disks that may be slow. */
export async function makeFolders(path: string): Promise<void> {
  const missing: string[] = []
  for (let folder = resolve(path); !(await isFolderAsync(folder)); folder = dirname(folder))
    missing.push(folder)
  for (const folder of missing.reverse()) {
    await mkdir(folder).catch(async error => {
      if (!(await isFolderAsync(folder))) throw error
    })
  }
}

async function isFolderAsync(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
