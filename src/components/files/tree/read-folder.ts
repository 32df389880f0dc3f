// Reads folders from the disk, as far as clients may see their contents.
import { join } from 'node:path'
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import { isWithin } from '../roots/path-lock.ts'
import { asMissing, DiskSilent } from '../roots/remote-disks.ts'
import type { Roots } from '../roots/roots.ts'
import { STAGING_FOLDER } from '../roots/staging-folders.ts'
import { type Facts, factsFrom } from './folder-node.ts'

/** Names that are read at the same time: more would take the thread pool from other work. */
const MAX_RUNNING = 8
/** On a network disk, which may stop responding meanwhile. */
const MAX_RUNNING_REMOTE = 2

/** A file, folder or link on the disk. */
export interface DiskEntry {
  /** Of the target for a link; null if that is missing or not served. */
  readonly facts: Facts | null
  /** The real path of a link's target; null if it is not a link. */
  readonly target: string | null
  /** Whether a link's target is outside of the folders in `ReadScope.bases`. */
  readonly isOutside: boolean
}

/** What limits the reading. */
export interface ReadScope {
  readonly roots: Roots
  /** The root's folder and the linked folders that lead to the one to read, without links. */
  readonly bases: readonly string[]
}

/** All names in a folder that clients may see. Rejects with the system's error. */
export async function readNames(folder: string, { roots }: ReadScope): Promise<string[]> {
  const names = await roots.calls.readdir(folder)
  return names.filter(name => isShown(name) && roots.reserved.nameOf(join(folder, name)) === undefined)
}

/**
 * Reads the entries of the given names in a folder. The result lacks names that do not exist or are not served; null is a
 * link to a network disk that does not respond.
 */
export async function readEntries(
  folder: string,
  names: Iterable<string>,
  scope: ReadScope,
): Promise<Map<string, DiskEntry | null>> {
  const entries = new Map<string, DiskEntry | null>()
  const maxRunning = scope.roots.disks.isRemote(folder) ? MAX_RUNNING_REMOTE : MAX_RUNNING
  await forEachConcurrently(names, maxRunning, async name => {
    const entry = isShown(name) ? await readEntry(join(folder, name), scope) : undefined
    if (entry !== undefined) entries.set(name, entry)
  })
  return entries
}

async function readEntry(path: string, scope: ReadScope): Promise<DiskEntry | null | undefined> {
  try {
    const { reserved, calls } = scope.roots
    if (reserved.nameOf(path) !== undefined) return undefined
    const stats = await calls.lstat(path)
    if (stats.isSymbolicLink()) return await readLink(path, scope)
    if (!stats.isFile()) {
      return stats.isDirectory() ? { facts: factsFrom(stats), target: null, isOutside: false } : undefined
    }
    if ((await reserved.nameOfHardLink(stats)) !== undefined) return undefined
    return { facts: factsFrom(stats), target: null, isOutside: false }
  } catch (error) {
    if (error instanceof DiskSilent) return null
    // Removed since it was listed, or a name that is not valid text: clients cannot request it.
    return undefined
  }
}

async function readLink(path: string, { roots, bases }: ReadScope): Promise<DiskEntry> {
  await roots.disks.checkLinks(path)
  const target = await roots.calls.realpath(path).catch(asMissing)
  if (target === undefined) return { facts: null, target: '', isOutside: false }
  const isOutside = !bases.some(base => isWithin(target, base))
  const isServed = (!isOutside || roots.followLinks) && roots.reserved.nameOf(target) === undefined
  const facts = isServed ? await targetFacts(target, isOutside, roots) : null
  return { facts, target, isOutside }
}

/** Clients can only read a linked file outside of the root. */
async function targetFacts(
  target: string,
  isOutside: boolean,
  { reserved, calls }: Roots,
): Promise<Facts | null> {
  const stats = await calls.find(target)
  if (stats === undefined || !(stats.isFile() || stats.isDirectory())) return null
  if (stats.isFile() && (await reserved.nameOfHardLink(stats)) !== undefined) return null
  const facts = factsFrom(stats)
  const isReadOnly = isOutside && !facts.isFolder && facts.permissions === 'rw'
  return isReadOnly ? { ...facts, permissions: 'r' } : facts
}

function isShown(name: string): boolean {
  return name !== STAGING_FOLDER && name !== ''
}
