// The calls of node:fs/promises for files of the roots, which may be on network disks: each is queued there.
import type { Stats } from 'node:fs'
import {
  access,
  chmod,
  copyFile,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import type { FileCalls } from '../../../core/send-file.ts'
import { asMissing, DiskSilent, type RemoteDisks } from './remote-disks.ts'

const ONE_PATH = {
  access,
  chmod,
  lstat,
  makeDurable,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rmdir,
  stat,
  statfs,
  unlink,
  utimes,
  writeFile,
}
const TWO_PATHS = { copyFile, rename }

/** They also reject with DiskSilent. Paths are absolute, and their links are resolved as far as the caller knows them. */
export type DiskCalls = typeof ONE_PATH &
  typeof TWO_PATHS & {
    /** The facts of a file or folder, with links followed; undefined for what is missing. Rejects with DiskSilent. */
    find(path: string): Promise<Stats | undefined>
    /** Removes what is at a path, with all that is in it. A missing one is no error. */
    remove(path: string): Promise<void>
    /** Runs a sequence of calls for a path as one. */
    run<T>(path: string, call: () => Promise<T>): Promise<T>
    /** Closes a file; later, where its disk does not respond now. Never rejects. */
    close(path: string, file: FileHandle): Promise<void>
    /** The calls for one file; undefined for one on a local disk, which need not wait. */
    forFile(path: string): FileCalls | undefined
  }

type Call = (...args: never[]) => Promise<unknown>

/** The calls for files on `disks` and on local disks. */
export function diskCalls(disks: RemoteDisks): DiskCalls {
  const guarded = (calls: object, count: 1 | 2) =>
    Object.entries(calls as Record<string, Call>).map(([name, call]) => [
      name,
      (...args: never[]) => disks.run(args.slice(0, count), () => call(...args)),
    ])
  const calls = Object.fromEntries([...guarded(ONE_PATH, 1), ...guarded(TWO_PATHS, 2)]) as DiskCalls
  calls.find = path => calls.stat(path).catch(asMissing)
  calls.run = (path, call) => disks.run([path], call)
  calls.close = async (path, file) => {
    await calls
      .run(path, () => file.close())
      .catch(error => {
        if (error instanceof DiskSilent) disks.finish(path, () => file.close()).catch(() => undefined)
      })
  }
  calls.forFile = path => {
    if (!disks.isRemote(path)) return undefined
    return { run: call => calls.run(path, call), close: file => calls.close(path, file) }
  }
  calls.remove = path =>
    disks.isRemote(path) ? removeTree(calls, path) : rm(path, { recursive: true, force: true })
  return calls
}

/** Node's own `rm` uses a thread for each entry of a folder. */
async function removeTree(calls: DiskCalls, path: string): Promise<void> {
  try {
    if (!(await calls.lstat(path)).isDirectory()) return await calls.unlink(path)
    for (const name of await calls.readdir(path)) await removeTree(calls, join(path, name))
    await calls.rmdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
