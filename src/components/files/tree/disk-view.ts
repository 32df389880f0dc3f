// What clients may see of a folder on the disk.
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import type { Roots } from '../roots/roots.ts'
import { HIDDEN_FOLDER } from '../roots/staging-folder.ts'
import { isWithin } from '../roots/tree-lock.ts'
import { type Facts, factsFrom } from './folder-node.ts'

/** Names that are read at the same time: more would take the thread pool from all other work. */
const MAX_RUNNING = 8

/** What stands under a name. */
export interface Seen {
  readonly facts: Facts
  /** Whether the name is a link to a folder. */
  readonly isFolderLink: boolean
}

/** What limits the view. */
export interface View {
  readonly roots: Roots
  /** The root's folder, without links. */
  readonly top: string
}

/** All names in a folder, but those that nobody may see. Rejects as the system does. */
export async function namesIn(folder: string, { roots }: View): Promise<string[]> {
  const names = await readdir(folder)
  return names.filter(name => isShown(name) && !roots.isReserved(join(folder, name)))
}

/** Looks at the given names of a folder; those that are not there, or lead out of the root, are missing in the answer. */
export async function lookAt(
  folder: string,
  names: Iterable<string>,
  view: View,
): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>()
  await forEachConcurrently(names, MAX_RUNNING, async name => {
    const found = isShown(name) ? await look(join(folder, name), view) : undefined
    if (found !== undefined) seen.set(name, found)
  })
  return seen
}

async function look(path: string, view: View): Promise<Seen | undefined> {
  try {
    if (view.roots.isReserved(path)) return undefined
    const stats = await lstat(path)
    if (stats.isSymbolicLink()) return await lookThrough(path, view)
    return stats.isFile() || stats.isDirectory()
      ? { facts: factsFrom(stats), isFolderLink: false }
      : undefined
  } catch {
    // Gone since it was listed, or a name that is no text: there is nothing that a client could ask for.
    return undefined
  }
}

/** Links are followed to where they end, if that is in the same root (security.md). */
async function lookThrough(path: string, { roots, top }: View): Promise<Seen | undefined> {
  const target = await realpath(path)
  if (!isWithin(target, top) || roots.isReserved(target)) return undefined
  const stats = await stat(target)
  if (!stats.isFile() && !stats.isDirectory()) return undefined
  return { facts: factsFrom(stats), isFolderLink: stats.isDirectory() }
}

function isShown(name: string): boolean {
  return name !== HIDDEN_FOLDER && name !== ''
}
