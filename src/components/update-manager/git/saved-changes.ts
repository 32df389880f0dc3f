// Keeps local changes in a branch before the work tree is reset: changed files, and commits that no remote has.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { type Git, GitError } from './git.ts'
import { readWorkTree } from './work-tree.ts'

/** References to the commits before each change, so that git keeps them. */
const SNAPSHOTS = 'refs/update-manager'
const MAX_SNAPSHOTS = 10
/** The author of the commits that hold local changes. */
const AUTHOR = {
  GIT_AUTHOR_NAME: 'Update manager',
  GIT_AUTHOR_EMAIL: 'update-manager@localhost',
  GIT_COMMITTER_NAME: 'Update manager',
  GIT_COMMITTER_EMAIL: 'update-manager@localhost',
}

/** What a change needs to keep the local state. */
export interface SaveOptions {
  readonly git: Git
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Keeps the current commit from being removed by git, for a rollback by hand. */
export async function takeSnapshot({ git, clock, signal }: SaveOptions): Promise<void> {
  await git.text(['update-ref', `${SNAPSHOTS}/${timestamp(clock)}`, 'HEAD'], signal)
  const all = await git.text(['for-each-ref', '--format=%(refname)', '--sort=refname', SNAPSHOTS], signal)
  const refs = all.split('\n').filter(ref => ref !== '')
  for (const ref of refs.slice(0, Math.max(0, refs.length - MAX_SNAPSHOTS)))
    await git.text(['update-ref', '-d', ref], signal)
}

/**
 * Creates branches with what a move of HEAD, and of the branch `branch`, to `target` would lose; resolves with their
 * names. Changes neither HEAD nor the index nor a file. Rejects with GitError.
 */
export async function saveLocalChanges(
  options: SaveOptions,
  target: string,
  branch: string | null,
): Promise<string[]> {
  const { git, signal } = options
  const files = await filesAtRisk(git, target, signal)
  const saved: string[] = []
  if (files.length > 0 || (await hasOwnCommits(git, 'HEAD', target, signal)))
    saved.push(await saveFiles(options, files))
  // A rebase moves HEAD away from the branch.
  const tip = `refs/heads/${branch}`
  if (branch === null || (await isSame(git, tip, 'HEAD', signal))) return saved
  if (await hasOwnCommits(git, tip, target, signal)) {
    const name = `${savedName(options)}-${branch}`
    await git.text(['branch', '--no-track', name, tip], signal)
    saved.push(name)
  }
  return saved
}

/** Whether two references are the same commit; a missing one has nothing to lose, and counts as the same. */
async function isSame(git: Git, a: string, b: string, signal: AbortSignal): Promise<boolean> {
  const result = await git.run(['rev-parse', '--verify', '--quiet', a], signal)
  return result.code !== 0 || result.stdout.trim() === (await git.text(['rev-parse', '--verify', b], signal))
}

function savedName({ clock }: SaveOptions): string {
  return `saved-by-update-manager/${timestamp(clock)}`
}

/** Creates a branch with files as they are now, on top of HEAD; resolves with its name. Rejects with GitError. */
export async function saveFiles(options: SaveOptions, files: readonly string[]): Promise<string> {
  const { git, signal } = options
  const branch = savedName(options)
  const commit = files.length === 0 ? 'HEAD' : await commitFiles(options, files)
  await git.text(['branch', '--no-track', branch, commit], signal)
  return branch
}

/** Changed files, and untracked ones that the target has. */
async function filesAtRisk(git: Git, target: string, signal: AbortSignal): Promise<string[]> {
  const { changed, untracked } = await readWorkTree(git, signal)
  if (untracked.length === 0) return [...changed]
  const tree = await git.text(['ls-tree', '-r', '-z', '--name-only', target], signal)
  const paths = new Set(tree.split('\0'))
  return [...changed, ...untracked.filter(path => paths.has(path))]
}

/** Whether `commit` has commits that neither the target nor a remote has. */
async function hasOwnCommits(
  git: Git,
  commit: string,
  target: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = ['rev-list', '--count', '--max-count=1', commit, `^${target}`, '--not', '--remotes']
  return (await git.text(args, signal)) !== '0'
}

/** A commit on top of HEAD with the files as they are; deleted ones are deleted in it. */
async function commitFiles({ git, clock, signal }: SaveOptions, files: readonly string[]): Promise<string> {
  const folder = await git.text(['rev-parse', '--absolute-git-dir'], signal)
  const index = join(folder, `index.saved-${timestamp(clock)}`)
  const env = { ...AUTHOR, GIT_INDEX_FILE: index }
  try {
    await git.text(['read-tree', 'HEAD'], signal, env)
    const paths = files.map(path => `${path}\0`).join('')
    await git.write(['update-index', '--add', '--remove', '-z', '--stdin'], paths, signal, env)
    const tree = await git.text(['write-tree'], signal, env)
    const args = ['commit-tree', tree, '-p', 'HEAD', '-m', 'Local changes that were kept before an update']
    return await git.text(args, signal, env)
  } finally {
    await rm(index, { force: true })
    await rm(`${index}.lock`, { force: true })
  }
}

/** Whether a command is unfinished, such as a rebase, by the file that it keeps and the command that ends it. */
const UNFINISHED = [
  ['rebase-merge', ['rebase', '--quit']],
  ['rebase-apply', ['rebase', '--quit']],
  ['CHERRY_PICK_HEAD', ['cherry-pick', '--quit']],
  ['REVERT_HEAD', ['revert', '--quit']],
] as const

/** Ends a rebase, cherry-pick or revert that is unfinished, and leaves the files as they are. */
export async function endUnfinished(git: Git, signal: AbortSignal): Promise<void> {
  for (const [file, args] of UNFINISHED) {
    const path = join(git.path, '.git', file)
    if (!existsSync(path)) continue
    try {
      await git.text(args, signal)
    } catch (error) {
      if (!(error instanceof GitError)) throw error
    }
    await rm(path, { recursive: true, force: true })
  }
}

/** `2026-11-30-101500-250`, for names that sort by time. */
function timestamp(clock: Clock): string {
  return new Date(clock.now() * 1000)
    .toISOString()
    .replace('T', '-')
    .replaceAll(/[:Z]/g, '')
    .replace('.', '-')
}
