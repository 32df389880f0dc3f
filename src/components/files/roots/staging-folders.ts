// Staging folders: a file is written there and renamed to its place when it is complete. Each root has one, so that the
// rename stays within a file system. The next start removes what a killed server leaves in them.
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { DiskCalls } from './disk-calls.ts'
import { overwrite, restore } from './overwrite.ts'
import { PathLock } from './path-lock.ts'

/** The name of a staging folder. The server neither lists nor serves anything of this name, in any folder. */
export const STAGING_FOLDER = '.uploads'

/** The ends of the names of further files in a staging folder; the rest is the name of a staging file. */
const SUFFIX = {
  /** Names another staging folder: the one next to a target in another folder. */
  reference: '.elsewhere',
  /** The content of a file that is being overwritten in place, and that file's name. */
  previous: '.previous',
  target: '.target',
}
/** Characters of the name of a staging file. */
const NAME_LENGTH = 36

/** A path for a staging file. */
export interface StagingPath {
  readonly path: string
  /** Resolves when the folder exists. Rejects with the system's error, and with DiskSilent. */
  readonly ready: Promise<void>
}

/** Makes staging folders when they are needed, and removes those that are not in use. */
export class StagingFolders {
  readonly calls: DiskCalls
  readonly #inUse = new Map<string, Set<string>>()
  /** Of two uses of a folder in succession, the first does not remove what the second has made. */
  readonly #lock = new PathLock()

  constructor(calls: DiskCalls) {
    this.calls = calls
  }

  /** A new path in the staging folder of `parent`; makes that folder. `parent` must exist. */
  allocate(parent: string): StagingPath {
    const folder = join(parent, STAGING_FOLDER)
    const path = join(folder, randomUUID())
    this.#inUse.set(folder, (this.#inUse.get(folder) ?? new Set()).add(path))
    const ready = this.#lock.run({ write: [folder] }, () => this.#makeFolder(folder))
    // The caller handles the rejection, but maybe later.
    ready.catch(() => {})
    return { path, ready }
  }

  /** Ends the use of a path from `allocate`. The caller has removed or renamed the file. Never rejects. */
  async release(path: string): Promise<void> {
    const folder = dirname(path)
    const paths = this.#inUse.get(folder)
    if (!paths?.delete(path) || paths.size > 0) return
    this.#inUse.delete(folder)
    await this.#removeUnused(folder)
  }

  async #makeFolder(folder: string): Promise<void> {
    try {
      await this.calls.mkdir(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }

  /** Leaves a folder that another program has put files into to the next start. Never rejects. */
  async #removeUnused(folder: string): Promise<void> {
    try {
      await this.#lock.run({ write: [folder] }, async () => {
        if (!this.#inUse.has(folder)) await this.calls.rmdir(folder)
      })
    } catch {
      // The root is gone or does not respond, or the folder is not empty: nothing can be done now.
    }
  }

  /**
   * Renames `from`, a durable file at a path from `allocate`, to `to`, and makes the name durable. Replaces what is at
   * `to` atomically. If `to` is in another file system, a copy in a staging folder next to it is renamed; if it cannot
   * be replaced because it is mounted by itself, it is overwritten.
   */
  async publish(from: string, to: string): Promise<void> {
    try {
      await this.calls.rename(from, to)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isFile = (await this.calls.find(to))?.isFile() === true
      if (code === 'EBUSY' && isFile) await this.#overwrite(from, to)
      else if (code === 'EXDEV') await this.#publishCopy(from, to)
      else throw error
    }
    await this.calls.makeDurable(dirname(to))
  }

  /** Publishes a copy of `from`, which is in another file system than `to`. */
  #publishCopy(from: string, to: string): Promise<void> {
    return this.#withSiblingPath(from, to, async copy => {
      await this.calls.copyFile(from, copy, constants.COPYFILE_EXCL)
      await this.calls.makeDurable(copy)
      await this.calls.rename(copy, to)
    })
  }

  /** Overwrites a file in place, as a container needs it whose configuration is one mounted file. */
  #overwrite(from: string, to: string): Promise<void> {
    return this.#withSiblingPath(from, to, path =>
      this.calls.run(to, () =>
        overwrite({ from, to, previous: `${path}${SUFFIX.previous}`, target: `${path}${SUFFIX.target}` }),
      ),
    )
  }

  /** Runs `work` with a path in the staging folder next to `to`. The staging folder of `from` refers to it meanwhile. */
  async #withSiblingPath(from: string, to: string, work: (path: string) => Promise<void>): Promise<void> {
    const folder = join(dirname(to), STAGING_FOLDER)
    const reference = `${from}${SUFFIX.reference}`
    if (folder !== dirname(from)) await this.calls.writeFile(reference, folder, { flush: true })
    const { path, ready } = this.allocate(dirname(to))
    try {
      await ready
      await work(path)
    } finally {
      await this.calls.remove(path)
      await this.release(path)
      await this.calls.remove(reference)
    }
  }

  /**
   * Completes what a killed server left in the staging folder of `parent`: restores files that it was overwriting, and
   * removes the rest. Keeps what is in use now. Rejects with the system's error, and keeps everything, if a file cannot
   * be restored.
   */
  async removeLeftovers(parent: string): Promise<void> {
    const folder = join(parent, STAGING_FOLDER)
    const names = await this.calls.readdir(folder).catch(() => [])
    for (const name of names.filter(each => each.endsWith(SUFFIX.target) && !this.#isInUse(folder, each))) {
      const target = join(folder, name)
      const previous = `${target.slice(0, -SUFFIX.target.length)}${SUFFIX.previous}`
      await this.calls.run(target, () => restore({ target, previous }))
    }
    for (const name of names) {
      if (this.#isInUse(folder, name)) continue
      if (name.endsWith(SUFFIX.reference)) await this.#removeReferenced(folder, join(folder, name))
      await this.calls.remove(join(folder, name))
    }
    await this.#removeUnused(folder)
  }

  /** Removes the leftovers in the staging folder that a reference names. */
  async #removeReferenced(folder: string, reference: string): Promise<void> {
    const other = await this.calls.readFile(reference, 'utf8').catch(() => '')
    if (basename(other) === STAGING_FOLDER && other !== folder) await this.removeLeftovers(dirname(other))
  }

  #isInUse(folder: string, name: string): boolean {
    return this.#inUse.get(folder)?.has(join(folder, name.slice(0, NAME_LENGTH))) === true
  }
}
