// Copies of files and folders, durable, with the times of the originals.
import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readlink, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import { namesIn, type View } from '../tree/disk-view.ts'

/**
 * Copies what stands at `from` to `to`, where there must be nothing. Links are copied as links, never followed; what
 * is reserved, or neither file nor folder, is left out. Rejects as the system does, with a part of the copy left.
 */
export async function copyTree(from: string, to: string, view: View): Promise<void> {
  const stats = await lstat(from)
  if (stats.isSymbolicLink()) {
    await symlink(await readlink(from), to)
  } else if (stats.isDirectory()) {
    await mkdir(to)
    for (const name of await namesIn(from, view)) await copyTree(join(from, name), join(to, name), view)
    await utimes(to, stats.atimeMs / 1000, stats.mtimeMs / 1000)
    await makeDurable(to)
  } else if (stats.isFile()) await copyOne(from, to, stats)
}

async function copyOne(
  from: string,
  to: string,
  { mode, atimeMs, mtimeMs }: { readonly mode: number; readonly atimeMs: number; readonly mtimeMs: number },
): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  await makeDurable(to)
  await utimes(to, atimeMs / 1000, mtimeMs / 1000)
  await chmod(to, mode & 0o777)
}
