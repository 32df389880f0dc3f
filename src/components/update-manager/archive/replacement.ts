// Replaces an installation by a new version, and keeps the previous one, in a hidden folder next to it. A journal lets the
// next start finish what a crash interrupted: the installation is always either the old or the new version.
import { constants } from 'node:fs'
import { copyFile, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { replaceFile } from '../../../config/atomic-file.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import { isPlainObject } from '../../../schema/index.ts'
import { FileLock } from '../../../storage/index.ts'
import { exchangePaths } from './exchange.ts'
import { exists, makeTreeDurable } from './tree.ts'

/** What the journal holds while files are moved. */
type Journal =
  /** The installation is replaced by the folder of this name, which has this inode. */
  | { readonly kind: 'folder'; readonly source: 'incoming' | 'previous'; readonly inode: string }
  /** The files in `incoming` replace those in the installation. */
  | { readonly kind: 'files' }
  /** Another program changes the installation; `incoming`, which has this inode, is a copy of what it was. */
  | { readonly kind: 'change'; readonly inode: string }

/** Tests replace the exchange, which not every file system can do. */
export type Exchange = typeof exchangePaths

export class Replacement {
  /** The installation. */
  readonly path: string
  readonly #exchange: Exchange
  readonly #beforeReplace: (from: string) => Promise<void>
  /** What belongs to the updates of the installation. */
  readonly folder: string
  /** The new version, while it is prepared. */
  readonly incoming: string
  /** The previous version. */
  readonly previous: string
  /** The installed version, on its way to `previous`. */
  readonly #outgoing: string
  readonly #journal: string
  readonly #lockFile: string
  /** Held from `prepare` until the replacement, and during a repair. */
  #lock: FileLock | null = null

  /**
   * `path` is the installation, with all links resolved. `beforeReplace` is called with the complete folder that is going
   * to take its place.
   */
  constructor(
    path: string,
    exchange: Exchange = exchangePaths,
    beforeReplace: (from: string) => Promise<void> = () => Promise.resolve(),
  ) {
    this.path = path
    this.#exchange = exchange
    this.#beforeReplace = beforeReplace
    this.folder = join(dirname(path), `.${basename(path)}.update`)
    this.incoming = join(this.folder, 'incoming')
    this.previous = join(this.folder, 'previous')
    this.#outgoing = join(this.folder, 'outgoing')
    this.#journal = join(this.folder, 'journal.json')
    this.#lockFile = join(this.folder, 'lock')
  }

  /**
   * Creates the folder if it is missing, without a new version in it, and takes its lock until the replacement or `repair`.
   * Rejects if another server has the lock.
   */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o755 })
    if (!this.#takeLock()) throw new Error('Another server updates this installation')
    await this.#repair()
  }

  #takeLock(): boolean {
    this.#lock ??= FileLock.take(this.#lockFile)
    return this.#lock !== null
  }

  #releaseLock(): void {
    this.#lock?.release()
    this.#lock = null
  }

  /**
   * Replaces the installation by the folder `incoming` or `previous`, which is complete and durable; the installed version
   * becomes `previous`. Rejects with the error of the file system; the installation is unchanged then.
   */
  async replaceFolder(source: 'incoming' | 'previous'): Promise<void> {
    const from = source === 'incoming' ? this.incoming : this.previous
    try {
      await this.#beforeReplace(from)
      this.#write({ kind: 'folder', source, inode: await inodeOf(from) })
      if (await this.#exchange(this.path, from)) {
        if (source === 'incoming') await rename(from, this.#outgoing)
      } else await this.#replaceInTwoSteps(from)
      await this.#settle()
    } finally {
      this.#releaseLock()
    }
  }

  async #replaceInTwoSteps(from: string): Promise<void> {
    await rename(this.path, this.#outgoing)
    try {
      await rename(from, this.path)
    } catch (error) {
      await rename(this.#outgoing, this.path)
      throw error
    }
  }

  /**
   * Replaces single files of the installation by those in `incoming`, which are complete and durable; copies of the
   * replaced ones are in `previous` then. Rejects with the error of the file system.
   */
  async replaceFiles(): Promise<void> {
    try {
      await this.#replaceFiles()
    } finally {
      this.#releaseLock()
    }
  }

  async #replaceFiles(): Promise<void> {
    await rm(this.#outgoing, { recursive: true, force: true })
    await mkdir(this.#outgoing)
    for (const name of await readdir(this.incoming)) {
      const current = join(this.path, name)
      if (await exists(current))
        await copyFile(current, join(this.#outgoing, name), constants.COPYFILE_FICLONE)
    }
    await makeTreeDurable(this.#outgoing)
    this.#write({ kind: 'files' })
    await this.#moveFiles()
    await this.#settle()
  }

  async #moveFiles(): Promise<void> {
    for (const name of await readdir(this.incoming))
      await rename(join(this.incoming, name), join(this.path, name))
    await makeDurable(this.path)
    await rm(this.incoming, { recursive: true })
  }

  /**
   * Runs a change of the installation that is not possible elsewhere. Until it has ended, `incoming` is a complete and
   * durable copy of the installation: it returns if `change` rejects, and after a crash. Later it is `previous`.
   */
  async changeInPlace<T>(change: () => Promise<T>): Promise<T> {
    this.#write({ kind: 'change', inode: await inodeOf(this.incoming) })
    try {
      const result = await change()
      await makeTreeDurable(this.path)
      await rename(this.incoming, this.#outgoing)
      await this.#settle()
      this.#releaseLock()
      return result
    } catch (error) {
      await this.repair()
      throw error
    }
  }

  /** Puts the copy of before a change back, and removes what the change left. */
  async #undoChange(inode: string): Promise<void> {
    if ((await exists(this.path)) && (await exists(this.incoming))) {
      if ((await inodeOf(this.incoming)) === inode && !(await this.#exchange(this.path, this.incoming)))
        await this.#replaceInTwoSteps(this.incoming)
    } else if (!(await exists(this.path))) await rename(this.incoming, this.path)
    // The copy is there on its way to `previous`, after a change that succeeded.
    if ((await exists(this.#outgoing)) && (await inodeOf(this.#outgoing)) !== inode)
      await rm(this.#outgoing, { recursive: true })
  }

  /** The outgoing version becomes the previous one. */
  async #settle(): Promise<void> {
    await makeDurable(dirname(this.path))
    if (await exists(this.#outgoing)) {
      await rm(this.previous, { recursive: true, force: true })
      await rename(this.#outgoing, this.previous)
    }
    await rm(this.#journal, { force: true })
    await makeDurable(this.folder)
  }

  /** Finishes what a crash interrupted, and removes a new version that was not complete. Can be repeated. */
  async repair(): Promise<void> {
    // Another server may be in the middle of a replacement.
    if (!(await exists(this.folder)) || !this.#takeLock()) return
    try {
      await this.#repair()
    } finally {
      this.#releaseLock()
    }
  }

  async #repair(): Promise<void> {
    const journal = await this.#read()
    if (journal?.kind === 'files' && (await exists(this.incoming))) await this.#moveFiles()
    if (journal?.kind === 'folder') await this.#finishFolder(journal)
    if (journal?.kind === 'change') await this.#undoChange(journal.inode)
    // Without a journal the installation was not touched.
    if (journal === null) await rm(this.#outgoing, { recursive: true, force: true })
    await this.#settle()
    await rm(this.incoming, { recursive: true, force: true })
  }

  async #finishFolder({ source, inode }: Journal & { kind: 'folder' }): Promise<void> {
    const from = source === 'incoming' ? this.incoming : this.previous
    if (!(await exists(this.path))) await rename((await exists(from)) ? from : this.#outgoing, this.path)
    else if (source === 'incoming' && (await exists(from)) && (await inodeOf(this.path)) === inode)
      await rename(from, this.#outgoing)
  }

  #write(journal: Journal): void {
    replaceFile(this.#journal, JSON.stringify(journal), 0o644)
  }

  async #read(): Promise<Journal | null> {
    try {
      const journal: unknown = JSON.parse(await readFile(this.#journal, 'utf8'))
      return isPlainObject(journal) ? (journal as unknown as Journal) : null
    } catch {
      return null
    }
  }
}

async function inodeOf(path: string): Promise<string> {
  return String((await lstat(path, { bigint: true })).ino)
}
