// The folder in which files are made before they are shown: one in each root, so that a finished file only needs a new
// name. What a server that was killed leaves in it is removed at the next start.
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmdirSync } from 'node:fs'
import { constants, copyFile, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'

/** Its name. Nothing of this name is listed or served, wherever it stands. */
export const HIDDEN_FOLDER = '.uploads'

/** A file here tells of a hidden folder outside: beside a target in another file system. */
const ELSEWHERE = '.elsewhere'

/** Gives out hidden folders, and removes each when nobody uses it any more. */
export class HiddenFolders {
  readonly #users = new Map<string, Set<string>>()

  /** Makes sure that `parent`, which has to exist, has a hidden folder; gives a new path in it. */
  enter(parent: string): string {
    const folder = join(parent, HIDDEN_FOLDER)
    const path = join(folder, randomUUID())
    const users = this.#users.get(folder) ?? new Set()
    if (users.size === 0) makeFolder(folder)
    this.#users.set(folder, users.add(path))
    return path
  }

  /** Ends the use of a path that `enter` gave; what stood there must be gone. */
  leave(path: string): void {
    const folder = dirname(path)
    const users = this.#users.get(folder)
    if (!users?.delete(path) || users.size > 0) return
    this.#users.delete(folder)
    removeEmpty(folder)
  }

  /**
   * Gives `from`, a durable file at a path of `enter`, the name `to` and makes that durable. What stood at `to` is
   * replaced at once. Where `to` is in another file system, a copy in a hidden folder beside it is moved.
   */
  async moveOut(from: string, to: string): Promise<void> {
    try {
      await rename(from, to)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await this.#moveCopy(from, to)
    }
    await makeDurable(dirname(to))
  }

  async #moveCopy(from: string, to: string): Promise<void> {
    // `clean` does not come here, unless a note tells it to.
    const note = `${from}${ELSEWHERE}`
    await writeFile(note, join(dirname(to), HIDDEN_FOLDER), { flush: true })
    const copy = this.enter(dirname(to))
    try {
      await copyFile(from, copy, constants.COPYFILE_EXCL)
      await makeDurable(copy)
      await rename(copy, to)
    } finally {
      await rm(copy, { force: true })
      this.leave(copy)
      await rm(note, { force: true })
    }
  }

  /** Removes what a killed server left behind in the hidden folder of `parent`; what is in use meanwhile stays. */
  async clean(parent: string): Promise<void> {
    const folder = join(parent, HIDDEN_FOLDER)
    const names = await readdir(folder).catch(() => [])
    for (const name of names) {
      const path = join(folder, name)
      if (this.#isInUse(folder, path)) continue
      if (name.endsWith(ELSEWHERE)) await removeElsewhere(path)
      await rm(path, { recursive: true, force: true })
    }
    if (!this.#users.has(folder)) removeEmpty(folder)
  }

  #isInUse(folder: string, path: string): boolean {
    const users = this.#users.get(folder)
    return users !== undefined && (users.has(path) || users.has(path.slice(0, -ELSEWHERE.length)))
  }
}

/** Removes the hidden folder of which a note tells. */
async function removeElsewhere(note: string): Promise<void> {
  const folder = await readFile(note, 'utf8').catch(() => '')
  if (basename(folder) === HIDDEN_FOLDER) await rm(folder, { recursive: true, force: true })
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Something that somebody else put there is left for the next start. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Gone with its root, or not empty: either way there is nothing to do now.
  }
}
