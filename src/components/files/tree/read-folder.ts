// Reads folders from the disk, as far as clients may see their contents.
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import { isWithin } from '../roots/path-lock.ts'
import type { Roots } from '../roots/roots.ts'
import { STAGING_FOLDER } from '../roots/staging-folders.ts'
import { type Facts, factsFrom } from './folder-node.ts'

/** Names that are read at the same time: more would take the thread pool from other work. */
const MAX_RUNNING = 8

/** A file or folder on the disk. */
export interface DiskEntry {
  readonly facts: Facts
  /** Whether the name is a link to a folder. */
  readonly isFolderLink: boolean
}

/** What limits the reading. */
export interface ReadScope {
  readonly roots: Roots
  /** The root's folder, without links. */
  readonly top: string
}

/** All names in a folder that clients may see. Rejects with the system's error. */
export async function readNames(folder: string, { roots }: ReadScope): Promise<string[]> {
  const names = await readdir(folder)
  return names.filter(name => isShown(name) && !roots.isReserved(join(folder, name)))
}

/** Reads the entries of the given names in a folder. The result lacks names that do not exist or lead out of the root. */
export async function readEntries(
  folder: string,
  names: Iterable<string>,
  scope: ReadScope,
): Promise<Map<string, DiskEntry>> {
  const entries = new Map<string, DiskEntry>()
  await forEachConcurrently(names, MAX_RUNNING, async name => {
    const entry = isShown(name) ? await readEntry(join(folder, name), scope) : undefined
    if (entry !== undefined) entries.set(name, entry)
  })
  return entries
}

async function readEntry(path: string, scope: ReadScope): Promise<DiskEntry | undefined> {
  try {
    if (scope.roots.isReserved(path)) return undefined
    const stats = await lstat(path)
    if (stats.isSymbolicLink()) return await readLink(path, scope)
    return stats.isFile() || stats.isDirectory()
      ? { facts: factsFrom(stats), isFolderLink: false }
      : undefined
  } catch {
    // Removed since it was listed, or a name that is not valid text: clients cannot request it.
    return undefined
  }
}

/** The target of a link, if it is in the same root. */
async function readLink(path: string, { roots, top }: ReadScope): Promise<DiskEntry | undefined> {
  const target = await realpath(path)
  if (!isWithin(target, top) || roots.isReserved(target)) return undefined
  const stats = await stat(target)
  if (!stats.isFile() && !stats.isDirectory()) return undefined
  return { facts: factsFrom(stats), isFolderLink: stats.isDirectory() }
}

function isShown(name: string): boolean {
  return name !== STAGING_FOLDER && name !== ''
}
