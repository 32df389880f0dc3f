// Moves a repository to another commit so that a power cut leaves the old or the new one.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError, runCommand } from '../../../core/run-command.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { Git } from './git.ts'
import {
  endUnfinished,
  type SaveOptions,
  saveFiles,
  saveLocalChanges,
  takeSnapshot,
} from './saved-changes.ts'
import { IN_SUBMODULES } from './work-tree.ts'

/** Seconds for writing the files of a commit, during which git prints nothing. */
const MOVE_SECONDS = 1800
/** Seconds for writing a file system to its disk. */
const SYNC_SECONDS = 300

/** Makes what was written to the file system of `path` durable, as far as the machine has the program for it. */
export async function syncFiles(path: string, signal: AbortSignal): Promise<void> {
  try {
    await runCommand('sync', ['-f', path], { timeoutSeconds: SYNC_SECONDS, signal })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
  }
}

/** Moves the branch forward to `target`. Rejects with GitError if a file is in the way; nothing is changed then. */
export async function moveForward(
  options: SaveOptions,
  target: string,
  onLine: (line: string) => void,
): Promise<void> {
  const { git, signal } = options
  await takeSnapshot(options)
  await git.transfer(['merge', '--ff-only', '--stat', target], {
    signal,
    attempts: 1,
    idleSeconds: MOVE_SECONDS,
    onLine,
  })
  await syncFiles(git.path, signal)
}

/**
 * Moves HEAD to `target`, on `branch` or detached where that is null, and resets the files. Ends a rebase or merge that
 * is unfinished. Local changes are kept in branches; resolves with their names. Rejects with GitError.
 */
export async function resetTo(
  options: SaveOptions,
  target: string,
  branch: string | null,
): Promise<string[]> {
  const { git, signal } = options
  const saved = await saveLocalChanges(options, target, branch)
  await takeSnapshot(options)
  await endUnfinished(git, signal)
  const where = branch === null ? ['--detach', target] : ['--no-track', '-B', branch, target]
  await git.text(['checkout', '--quiet', '--force', ...where, '--'], signal)
  await syncFiles(git.path, signal)
  return saved
}

/** A move, by its commits. */
export interface Move {
  readonly from: string
  readonly to: string
}

/** Reads a stored move; null for another value. */
export function readMove(value: unknown): Move | null {
  if (!isPlainObject(value) || typeof value.from !== 'string' || typeof value.to !== 'string') return null
  return { from: value.from, to: value.to }
}

/** How a move that was interrupted ended. */
export interface SettledMove {
  /** The commit that the repository is at now: one of the two. */
  readonly commit: string
  readonly isDone: boolean
  /** The branch with files that were of neither commit, or null. */
  readonly saved: string | null
}

/**
 * Ends a move that was interrupted: the repository is at `to` if git had recorded that, else at `from` again. All files
 * are written again, since a power cut may have emptied some. Rejects with GitError.
 */
export async function settleMove(options: SaveOptions, { from, to }: Move): Promise<SettledMove> {
  const { git, signal } = options
  const [head, wanted] = await Promise.all([
    git.text(['rev-parse', 'HEAD'], signal),
    git.text(['rev-parse', `${to}^{commit}`], signal),
  ])
  const files = await ofNeither(git, { from, to }, signal)
  const saved = files.length === 0 ? null : await saveFiles(options, files)
  const isDone = head === wanted
  const [commit, other] = isDone ? [to, from] : [from, to]
  // With the index of the other commit, git removes the files that only that one has.
  await git.text(['read-tree', '--reset', other], signal)
  await git.text(['read-tree', '--reset', '-u', commit], signal)
  await git.text(['reset', '--hard', '--quiet', commit], signal)
  await syncFiles(git.path, signal)
  return { commit, isDone, saved }
}

/** The files in the work tree that are in a commit, but are as in none of the two. */
async function ofNeither(git: Git, { from, to }: Move, signal: AbortSignal): Promise<string[]> {
  const inTo = await comparedWith(git, to, signal)
  const inFrom = await comparedWith(git, from, signal)
  const differs = ({ tracked, changed }: Compared, path: string) => !tracked.has(path) || changed.has(path)
  const candidates = new Set([...inTo.changed, ...inFrom.changed])
  return [...candidates].filter(
    path => differs(inTo, path) && differs(inFrom, path) && existsSync(join(git.path, path)),
  )
}

interface Compared {
  readonly tracked: ReadonlySet<string>
  /** Those that differ from the commit. */
  readonly changed: ReadonlySet<string>
}

async function comparedWith(git: Git, commit: string, signal: AbortSignal): Promise<Compared> {
  await git.text(['read-tree', '--reset', commit], signal)
  await git.run(['update-index', '-q', '--refresh'], signal)
  const tracked = await git.text(['ls-files', '-z'], signal)
  const changed = await git.text(['diff-files', '--name-only', '-z', IN_SUBMODULES], signal)
  return {
    tracked: new Set(tracked.split('\0')),
    changed: new Set(changed.split('\0').filter(path => path !== '')),
  }
}
