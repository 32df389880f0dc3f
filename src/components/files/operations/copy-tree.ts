// Copies files and folders durably, with the times of the originals.
import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readlink, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import { type ReadScope, readNames } from '../tree/read-folder.ts'

/**
 * Copies the file or folder `from` to `to`, which must not exist. Copies links as links; skips what is reserved, or
 * neither file nor folder. Rejects with the system's error and leaves a part of the copy.
 */
export async function copyTree(from: string, to: string, scope: ReadScope): Promise<void> {
  const stats = await lstat(from)
  if (stats.isSymbolicLink()) {
    await symlink(await readlink(from), to)
  } else if (stats.isDirectory()) {
    await mkdir(to)
    for (const name of await readNames(from, scope)) await copyTree(join(from, name), join(to, name), scope)
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
