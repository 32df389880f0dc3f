// The hard recovery: a fresh clone next to the repository takes its place. The previous folder stays next to it.
import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeDurable } from '../../../core/make-durable.ts'
import { syncFiles } from './change-repo.ts'
import { type Git, GitError } from './git.ts'

/** The folders of a recovery, all in one folder. */
export interface RecoveryFolders {
  readonly path: string
  /** The new clone, until it replaces the old one. */
  readonly clone: string
  /** The previous repository. */
  readonly previous: string
}

/** The folders for the repository at `path`. */
export function recoveryFolders(path: string): RecoveryFolders {
  const nextTo = (suffix: string) => join(dirname(path), `.${basename(path)}_${suffix}`)
  return { path, clone: nextTo('repo_backup'), previous: nextTo('before_recovery') }
}

/** Clones `branch` of `url`, with all objects. Rejects with GitError. */
export async function cloneNextTo(
  git: Git,
  { url, branch }: { readonly url: string; readonly branch: string },
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<Git> {
  const { path, clone } = recoveryFolders(git.path)
  await rm(clone, { recursive: true, force: true })
  const args = ['clone', '--progress', '--branch', branch, '--', url, clone]
  await git.at(dirname(path)).transfer(args, { signal, attempts: 1, idleSeconds: 300, onLine })
  return git.at(clone)
}

/** Settings that belong to the previous objects. */
const NOT_KEPT =
  /^(?:core\.(?:bare|worktree|repositoryformatversion)|extensions\..*|remote\..*\.(?:promisor|partialclonefilter))$/

/** Gives a clone the settings, hooks and untracked files of the repository that it replaces. */
export async function keepLocal(git: Git, clone: Git, signal: AbortSignal): Promise<void> {
  await keepSettings(git, clone, signal)
  for (const name of ['hooks', 'info'])
    await linkMissing(join(git.path, '.git', name), join(clone.path, '.git', name))
  const tracked = await trackedFiles(git, signal)
  await linkMissing(git.path, clone.path, path => path !== '.git' && !tracked.has(path))
}

async function keepSettings(git: Git, clone: Git, signal: AbortSignal): Promise<void> {
  const config = (of: Git) => ['config', '--file', join(of.path, '.git', 'config')]
  const previous = await git.run([...config(git), '-z', '--list'], signal)
  const present = await clone.text([...config(clone), '-z', '--list', '--name-only'], signal)
  const known = new Set(present.split('\0'))
  for (const entry of previous.stdout.split('\0')) {
    const [key = '', ...value] = entry.split('\n')
    if (key === '' || known.has(key) || NOT_KEPT.test(key)) continue
    await clone.text([...config(clone), '--add', key, value.join('\n')], signal)
  }
}

/** The files that the repository tracks; empty where that cannot be read. */
async function trackedFiles(git: Git, signal: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    return new Set((await git.text(['ls-files', '-z'], signal)).split('\0'))
  } catch (error) {
    if (error instanceof GitError) return new Set()
    throw error
  }
}

/** Links the files of a folder into another one where they are missing there. Paths are relative to the first folder. */
async function linkMissing(
  from: string,
  to: string,
  isKept: (path: string) => boolean = () => true,
  below = '',
): Promise<void> {
  for (const entry of await readdir(join(from, below), { withFileTypes: true }).catch(() => [])) {
    const path = join(below, entry.name)
    if (!isKept(path)) continue
    const target = join(to, path)
    if (entry.isDirectory()) await linkMissing(from, to, isKept, path)
    else if (!existsSync(target)) await linkOne(join(from, path), target, entry.isSymbolicLink())
  }
}

/** A path that is a folder in one version and a file in the other cannot be kept: it stays in the previous folder. */
async function linkOne(from: string, to: string, isLink: boolean): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true })
    if (isLink) await symlink(await readlink(from), to)
    else await link(from, to).catch(() => copyFile(from, to))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['ENOTDIR', 'EEXIST', 'EISDIR'].includes(code)) throw error
  }
}

/** Puts the clone in the place of the repository, whose folder stays as `previous`. */
export async function swapIn(path: string, signal: AbortSignal): Promise<void> {
  const { clone, previous } = recoveryFolders(path)
  await syncFiles(clone, signal)
  await rm(previous, { recursive: true, force: true })
  await rename(path, previous)
  await rename(clone, path)
  await makeDurable(dirname(path))
}

/** Ends a recovery that was interrupted: `path` is the previous repository or the new one, and the rest is removed. */
export async function endRecovery(path: string): Promise<void> {
  const { clone, previous } = recoveryFolders(path)
  // The clone was complete when the repository made room for it.
  if (!existsSync(path) && existsSync(clone)) await rename(clone, path)
  if (!existsSync(path) && existsSync(previous)) await rename(previous, path)
  await rm(clone, { recursive: true, force: true })
  await makeDurable(dirname(path))
}
