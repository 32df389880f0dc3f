// The recoveries of a repository: soft resets what is there, hard clones it again.
import { join } from 'node:path'
import type { Clock } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import type { UpdateRun } from '../updater.ts'
import { resetTo } from './change-repo.ts'
import { cloneNextTo, keepLocal, recoveryFolders, swapIn } from './clone-recovery.ts'
import { UNKNOWN } from './described.ts'
import { type Git, GitError } from './git.ts'
import { freeLocks } from './locks.ts'
import { kindOf } from './read-repo.ts'
import { readConfig } from './repo-config.ts'
import type { RepoState } from './repo-state.ts'
import type { RepoSpec } from './status.ts'

/** What a recovery works on. */
export interface RepoAccess {
  readonly git: Git
  readonly clock: Clock
  readonly spec: RepoSpec
  readonly label: string
  readonly state: RepoState
  readonly onLine: (line: string) => void
  /** Rejects with ApiError if the objects cannot be repaired. */
  readonly repairObjects: () => Promise<void>
  /** Reports the branches that hold local changes. */
  readonly reportSaved: (branches: readonly string[], target: string) => void
}

/** Resets the repository to the primary branch. Rejects with ApiError and GitError. */
export async function softRecovery(run: UpdateRun, access: RepoAccess): Promise<void> {
  const { git, clock, spec, label, state } = access
  const { signal } = run
  run.message(`${label}: Resetting Git Repo...`)
  if (state.corrupt) await access.repairObjects()
  else if (!state.detected) throw new ApiError(400, `${label}: repo not initialized`)
  await freeLocks(git.path, clock, signal)
  const branch = spec.primaryBranch
  const remote = (await readConfig(git, signal)).remoteOf(branch)
  if (remote === null) throw new ApiError(400, `Failed to find remote for primary branch '${branch}'`)
  const upstream = `${remote}/${branch}`
  const target = await findTarget(access, upstream, signal)
  const from = await git.text(['rev-parse', 'HEAD'], signal)
  await run.note({ from, to: target })
  const saved = await run.uninterrupted(() => resetTo({ git, clock, signal }, target, branch))
  access.reportSaved(saved, upstream)
}

/** The pinned commit; else the present one if it is published; else the newest one. */
async function findTarget(
  { git, spec, state }: RepoAccess,
  upstream: string,
  signal: AbortSignal,
): Promise<string> {
  const { pin, primaryBranch } = spec
  const isElsewhere = !state.detached && state.branch !== primaryBranch
  const present = isElsewhere ? `refs/heads/${primaryBranch}` : state.currentHash
  for (const commit of [pin, present]) {
    if (commit === null || commit === UNKNOWN) continue
    const found = await git.run(['merge-base', '--is-ancestor', commit, upstream], signal)
    if (found.code === 0) return git.text(['rev-parse', `${commit}^{commit}`], signal)
  }
  return git.text(['rev-parse', `${upstream}^{commit}`], signal)
}

/** Replaces the repository by a fresh clone. Rejects with ApiError and GitError. */
export async function hardRecovery(run: UpdateRun, access: RepoAccess): Promise<void> {
  const { git, spec, label, onLine } = access
  const { signal } = run
  if ((await kindOf(git.path)) === 'linked')
    throw new ApiError(400, `Cannot clone git repo ${spec.name}, it is a worktree of another git repo.`)
  const url = await findUrl(access, signal)
  if (url === null) throw new ApiError(400, 'Recovery url has not been detected, clone aborted')
  run.message(`${label}: Starting Clone Recovery...`)
  await run.note({ clones: true })
  const clone = await cloneNextTo(git, { url, branch: spec.primaryBranch }, signal, onLine).catch(error => {
    if (!(error instanceof GitError)) throw error
    run.message(`${label}: Git Clone Failed`)
    throw new ApiError(400, 'Git Clone Error', { cause: error })
  })
  run.message(`${label}: Git Clone Complete`)
  await moveBack(run, access, clone)
  await keepLocal(git, clone, signal)
  await run.uninterrupted(() => swapIn(git.path, signal))
  run.message(`${label}: The previous folder is kept as ${recoveryFolders(git.path).previous}`)
}

/** With user and password, if it has them. */
async function findUrl({ git, state }: RepoAccess, signal: AbortSignal): Promise<string | null> {
  if (state.recoveryUrl === UNKNOWN) return null
  try {
    return (
      (await readConfig(git, signal, join(git.path, '.git', 'config'))).url('origin') ?? state.recoveryUrl
    )
  } catch (error) {
    if (error instanceof GitError) return state.recoveryUrl
    throw error
  }
}

/** The recovery installs no newer version, if the present one is known. */
async function moveBack(run: UpdateRun, { spec, label, state }: RepoAccess, clone: Git): Promise<void> {
  const commit = spec.pin ?? state.currentHash
  if (commit === UNKNOWN) return
  const found = await clone.run(['merge-base', '--is-ancestor', commit, 'HEAD'], run.signal)
  if (found.code !== 0) return
  const hash = await clone.text(['rev-parse', `${commit}^{commit}`], run.signal)
  run.message(`${label}: Moving HEAD to previous commit ${commit.length < hash.length ? hash : commit}`)
  await clone.text(['reset', '--hard', '--quiet', hash], run.signal)
}
