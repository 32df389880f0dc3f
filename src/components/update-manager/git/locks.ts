// Locks of a repository: those of git, which a process that was killed leaves, and that of the server that changes it.
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import { FileLock } from '../../../storage/index.ts'

/** Seconds that another git process may take. */
const WAIT_SECONDS = 60
/** Seconds between two looks. */
const LOOK_SECONDS = 1

/**
 * Runs `work` while no other server changes the repository: several servers may share one. Rejects with ApiError 503 if one
 * changes it. A server that ends loses its lock.
 */
export async function withServerLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = FileLock.take(join(path, '.git', 'update-manager-lock'))
  if (lock === null)
    throw new ApiError(503, 'Another server updates this repository; try again when it has finished')
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/**
 * Waits until no other process works in the repository, and removes the locks of processes that have ended. Rejects with
 * ApiError 503 if a process works for longer than a minute.
 */
export async function freeLocks(path: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let waited = 0; ; waited += LOOK_SECONDS) {
    const locks = await findLocks(path)
    if (locks.length === 0) return
    if (!(await isInUse(path))) {
      for (const lock of locks) await rm(lock, { force: true })
      return
    }
    if (waited >= WAIT_SECONDS)
      throw new ApiError(
        503,
        `Another git process has worked in ${path} for a minute; try again when it has ended`,
      )
    await sleep(clock, LOOK_SECONDS, signal)
  }
}

async function findLocks(path: string): Promise<string[]> {
  const git = join(path, '.git')
  const found = await Promise.all([
    locksIn(git),
    locksIn(join(git, 'refs'), true),
    locksIn(join(git, 'objects')),
    locksIn(join(git, 'objects', 'info'), true),
  ])
  return found.flat()
}

/** The locks in a folder; with `recursive` also those in folders below it. */
async function locksIn(folder: string, recursive = false): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive }).catch(() => [])
  return entries
    .filter(({ name }) => name.endsWith('.lock') || name === 'gc.pid')
    .map(({ parentPath, name }) => join(parentPath, name))
}

/** Whether a git process has the folder, or one below it, as its own. */
async function isInUse(path: string): Promise<boolean> {
  const processes = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const all = await Promise.all(processes.map(id => isGitIn(path, id)))
  return all.includes(true)
}

async function isGitIn(path: string, id: string): Promise<boolean> {
  try {
    const name = (await readFile(`/proc/${id}/comm`, 'utf8')).trim()
    if (!name.startsWith('git')) return false
    const folder = await readlink(`/proc/${id}/cwd`)
    return folder === path || folder.startsWith(`${path}/`)
  } catch {
    // It has ended, or belongs to another user.
    return false
  }
}
