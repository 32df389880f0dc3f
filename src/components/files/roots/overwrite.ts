// Overwrites a file in place, where it cannot be replaced: the old content is kept until the new one is durable.
import { constants, createReadStream } from 'node:fs'
import { copyFile, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'

/** The paths of one overwriting. */
export interface Overwriting {
  /** The new content, durable. */
  readonly from: string
  /** The file to overwrite. */
  readonly to: string
  /** Where the old content is kept. */
  readonly previous: string
  /** A file with the name of `to`, for `restore`. It exists while `to` may be incomplete. */
  readonly target: string
}

/**
 * Overwrites `to` with the content of `from` and makes it durable. If that fails, restores the old content and rejects
 * with the system's error. After a crash, `restore` does that.
 */
export async function overwrite({ from, to, previous, target }: Overwriting): Promise<void> {
  await copyFile(to, previous, constants.COPYFILE_EXCL)
  await makeDurable(previous)
  await writeFile(target, basename(to), { flush: true })
  await makeDurable(dirname(target))
  const forgetPrevious = async () => {
    await rm(target)
    await makeDurable(dirname(target))
    await rm(previous)
  }
  try {
    await copyContent(from, to)
  } catch (error) {
    // If this fails too, the next start tries again.
    await copyContent(previous, to)
    await forgetPrevious()
    throw error
  }
  await forgetPrevious()
}

/** Restores a file next to the staging folder of `target`, whose overwriting a crash has interrupted. */
export async function restore({ previous, target }: Pick<Overwriting, 'previous' | 'target'>): Promise<void> {
  const name = basename(await readFile(target, 'utf8'))
  // The crash came while the name was written, and the file was still untouched.
  if (name === '') return
  await copyContent(previous, join(dirname(dirname(target)), name))
}

async function copyContent(from: string, to: string): Promise<void> {
  const file = await open(to, 'r+')
  try {
    const { size } = await stat(from)
    await file.writeFile(createReadStream(from))
    await file.truncate(size)
    await file.sync()
  } finally {
    await file.close()
  }
}
