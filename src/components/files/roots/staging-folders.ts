// Staging folders: a file is written there and renamed to its place when it is complete. Each root has one, so that the
// rename stays within a file system. The next start removes what a killed server leaves in them.
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmdirSync } from 'node:fs'
import { constants, copyFile, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'

/** The name of a staging folder. The server neither lists nor serves anything of this name, in any folder. */
export const STAGING_FOLDER = '.uploads'

/** The end of the name of a file that names another staging folder: the one next to a target in another file system. */
const REFERENCE = '.elsewhere'

/** Makes staging folders when they are needed, and removes those that are not in use. */
export class StagingFolders {
  readonly #inUse = new Map<string, Set<string>>()

  /** Makes the staging folder of `parent`, which must exist; returns a new path in it. */
  allocate(parent: string): string {
    const folder = join(parent, STAGING_FOLDER)
    const path = join(folder, randomUUID())
    const paths = this.#inUse.get(folder) ?? new Set()
    if (paths.size === 0) makeFolder(folder)
    this.#inUse.set(folder, paths.add(path))
    return path
  }

  /** Ends the use of a path from `allocate`. The caller has removed or renamed the file. */
  release(path: string): void {
    const folder = dirname(path)
    const paths = this.#inUse.get(folder)
    if (!paths?.delete(path) || paths.size > 0) return
    this.#inUse.delete(folder)
    removeEmpty(folder)
  }

  /**
   * Renames `from`, a durable file at a path from `allocate`, to `to`, and makes the name durable. Replaces what is at
   * `to` atomically. If `to` is in another file system, a copy in a staging folder next to it is renamed.
   */
  async publish(from: string, to: string): Promise<void> {
    try {
      await rename(from, to)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await this.#publishCopy(from, to)
    }
    await makeDurable(dirname(to))
  }

  async #publishCopy(from: string, to: string): Promise<void> {
    // `removeLeftovers` finds the second staging folder through this reference only.
    const reference = `${from}${REFERENCE}`
    await writeFile(reference, join(dirname(to), STAGING_FOLDER), { flush: true })
    const copy = this.allocate(dirname(to))
    try {
      await copyFile(from, copy, constants.COPYFILE_EXCL)
      const { atimeMs, mtimeMs } = await stat(from)
      await utimes(copy, atimeMs / 1000, mtimeMs / 1000)
      await makeDurable(copy)
      await rename(copy, to)
    } finally {
      await rm(copy, { force: true })
      this.release(copy)
      await rm(reference, { force: true })
    }
  }

  /** Removes what a killed server left in the staging folder of `parent`; keeps what is in use now. */
  async removeLeftovers(parent: string): Promise<void> {
    const folder = join(parent, STAGING_FOLDER)
    const names = await readdir(folder).catch(() => [])
    for (const name of names) {
      const path = join(folder, name)
      if (this.#isInUse(folder, path)) continue
      if (name.endsWith(REFERENCE)) await removeReferenced(path)
      await rm(path, { recursive: true, force: true })
    }
    if (!this.#inUse.has(folder)) removeEmpty(folder)
  }

  #isInUse(folder: string, path: string): boolean {
    const paths = this.#inUse.get(folder)
    return paths !== undefined && (paths.has(path) || paths.has(path.slice(0, -REFERENCE.length)))
  }
}

/** Removes the staging folder that a reference names. */
async function removeReferenced(reference: string): Promise<void> {
  const folder = await readFile(reference, 'utf8').catch(() => '')
  if (basename(folder) === STAGING_FOLDER) await rm(folder, { recursive: true, force: true })
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Leaves a folder that another program has put files into to the next start. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // The root is gone, or the folder is not empty: nothing can be done now.
  }
}
