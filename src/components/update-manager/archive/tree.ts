// Work on whole folders: making them durable, and copying single files and folders of one into another.
import { constants } from 'node:fs'
import { cp, lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'

/** Makes all files and folders below `folder` durable, and itself. */
export async function makeTreeDurable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await makeTreeDurable(path)
    else if (entry.isFile()) await makeDurable(path)
  }
  await makeDurable(folder)
}

/** Whether something has this path; links are not followed. */
export async function exists(path: string): Promise<boolean> {
  return (await typeOf(path)) !== null
}

async function typeOf(path: string): Promise<'folder' | 'link' | 'file' | null> {
  try {
    const facts = await lstat(path)
    return facts.isDirectory() ? 'folder' : facts.isSymbolicLink() ? 'link' : 'file'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/**
 * Copies the files and folders `names` of the folder `from` to the same places in `to`, where they replace what is
 * there. Missing ones are skipped. Links stay links; a name that leads through a link keeps the link.
 */
export async function keepFiles(names: readonly string[], from: string, to: string): Promise<void> {
  for (const name of names) {
    const kept = await firstLink(name, from)
    if (!(await exists(join(from, kept)))) continue
    const target = join(to, kept)
    await makeParents(kept, to)
    await rm(target, { recursive: true, force: true })
    await cp(join(from, kept), target, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
    })
  }
}

/** The start of `name` that is a link, or the whole name. */
async function firstLink(name: string, folder: string): Promise<string> {
  const parts = name.split('/')
  for (let count = 1; count < parts.length; count += 1) {
    const start = parts.slice(0, count).join('/')
    if ((await typeOf(join(folder, start))) === 'link') return start
  }
  return name
}

/** Creates the folders above `name`; a file in the place of one of them is removed. */
async function makeParents(name: string, folder: string): Promise<void> {
  const parts = dirname(name).split('/')
  for (let count = 1; count <= parts.length; count += 1) {
    const parent = join(folder, ...parts.slice(0, count))
    const type = await typeOf(parent)
    if (type !== null && type !== 'folder') await rm(parent)
  }
  await mkdir(join(folder, ...parts), { recursive: true })
}
