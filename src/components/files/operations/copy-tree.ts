// Copies files and folders durably, with the times of the originals.
import { constants, type Stats } from 'node:fs'
import { join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'
import type { DiskCalls } from '../roots/disk-calls.ts'
import type { Roots } from '../roots/roots.ts'
import { type DiskEntry, readEntries, readNames } from '../tree/read-folder.ts'

/**
 * Copies the file or folder `from`, a path without links, to `to`, which must not exist. Copies the targets of links,
 * and each folder once: this ends loops. Skips what `roots` do not serve, and special files. Rejects with the system's
 * error and leaves a part of the copy.
 */
export async function copyTree(from: string, to: string, roots: Roots): Promise<void> {
  const stats = await roots.calls.stat(from)
  if (stats.isDirectory()) await copyFolder(from, to, { roots, copied: new Set() })
  else if (stats.isFile()) await copyOne(from, to, stats, roots.calls)
}

interface Copying {
  readonly roots: Roots
  /** The folders that were copied, as real paths. */
  readonly copied: Set<string>
}

async function copyFolder(from: string, to: string, copying: Copying): Promise<void> {
  const { roots, copied } = copying
  const { calls } = roots
  copied.add(from)
  const stats = await calls.stat(from)
  await calls.mkdir(to)
  const scope = { roots, bases: [from] }
  await roots.disks.check(from)
  const entries: [string, DiskEntry][] = []
  for (const [name, entry] of await readEntries(from, await readNames(from, scope), scope)) {
    if (entry === null)
      throw new ApiError(503, `The target of the link ${name} does not respond, try again later`)
    entries.push([name, entry])
  }
  // Links last, so that a folder is copied to its own name and not to that of a link.
  const [links, others] = [entries.filter(isLink), entries.filter(entry => !isLink(entry))]
  for (const [name, { facts, target }] of [...others, ...links]) {
    const source = target ?? join(from, name)
    if (facts?.isFolder && !copied.has(source)) await copyFolder(source, join(to, name), copying)
    else if (facts?.isFolder === false) await copyOne(source, join(to, name), await calls.stat(source), calls)
  }
  await calls.utimes(to, stats.atimeMs / 1000, stats.mtimeMs / 1000)
  await calls.makeDurable(to)
}

function isLink([, { target }]: readonly [string, DiskEntry]): boolean {
  return target !== null
}

async function copyOne(
  from: string,
  to: string,
  { mode, atimeMs, mtimeMs }: Stats,
  calls: DiskCalls,
): Promise<void> {
  await calls.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  await calls.makeDurable(to)
  await calls.utimes(to, atimeMs / 1000, mtimeMs / 1000)
  await calls.chmod(to, mode & 0o777)
}
