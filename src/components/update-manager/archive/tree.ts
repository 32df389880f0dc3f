// Work on whole folders: making them durable, copying them, and keeping parts of one in another.
import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  cp,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  rm,
  symlink,
  utimes,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import { runCommand } from '../../../core/run-command.ts'

/** Seconds for the disk to write what is in memory. */
const SYNC_SECONDS = 300
/** Larger files of a copy are second names of the same file. */
const LINKED_BYTES = 64 * 1024

/** Makes all files and folders below `folder` durable, and itself. */
export async function makeTreeDurable(folder: string): Promise<void> {
  // One call for the file system takes less time than one for each of thousands of files.
  const sync = await runCommand('sync', ['-f', folder], { timeoutSeconds: SYNC_SECONDS }).catch(() => null)
  if (sync?.code !== 0) await syncEach(folder)
}

async function syncEach(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncEach(path)
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

/**
 * Copies a folder that programs will change afterwards, such as pip, which replace large files and never write into them:
 * those are not copied, but get a second name. Sockets and pipes are left out.
 */
export async function copyForChange(from: string, to: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { mode } = await lstat(from)
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyForChange(source, target, signal)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (entry.isFile()) await copyOrLink(source, target)
  }
  await chmod(to, mode & 0o7777)
}

async function copyOrLink(source: string, target: string): Promise<void> {
  const { size, atime, mtime } = await lstat(source)
  if (size > LINKED_BYTES && (await tryLink(source, target))) return
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  // Python compiles a module again if its time differs.
  await utimes(target, atime, mtime)
}

/** Not every file system has links, and not every file may be linked. */
async function tryLink(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target)
    return true
  } catch {
    return false
  }
}
