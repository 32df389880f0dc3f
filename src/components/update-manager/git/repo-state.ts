// What is known about a repository, and how it is stored.
import { isPlainObject } from '../../../schema/index.ts'
import type { StoredState } from '../updater.ts'
import type { Commit } from './commits.ts'
import { type DescribedCommit, fullVersion, readDescribed, UNKNOWN } from './described.ts'

/** The state of a repository. A text that is not known is `?`. */
export interface RepoState {
  readonly detected: boolean
  readonly corrupt: boolean
  readonly detached: boolean
  readonly diverged: boolean
  readonly remote: string
  readonly branch: string
  readonly owner: string
  readonly repository: string
  readonly remoteUrl: string
  readonly recoveryUrl: string
  readonly current: DescribedCommit | null
  readonly currentHash: string
  readonly upstream: DescribedCommit | null
  readonly upstreamHash: string
  readonly commits: readonly Commit[]
  readonly behind: number
  /** Tracked files that differ from the commit. */
  readonly changed: readonly string[]
  /** Source files that are not tracked. */
  readonly untracked: readonly string[]
  readonly isPinValid: boolean
  /** The output of the command that failed last. */
  readonly messages: readonly string[]
}

/** The state that a rollback returns to. */
export interface RollbackPoint {
  readonly commit: string
  readonly branch: string
  readonly version: DescribedCommit | null
}

export const NO_STATE: RepoState = {
  detected: false,
  corrupt: false,
  detached: false,
  diverged: false,
  remote: UNKNOWN,
  branch: UNKNOWN,
  owner: UNKNOWN,
  repository: UNKNOWN,
  remoteUrl: UNKNOWN,
  recoveryUrl: UNKNOWN,
  current: null,
  currentHash: UNKNOWN,
  upstream: null,
  upstreamHash: UNKNOWN,
  commits: [],
  behind: 0,
  changed: [],
  untracked: [],
  isPinValid: true,
  messages: [],
}

/** The field of the stored record for each text, list and flag; the names are Moonraker's. */
const STORED = {
  detected: 'repo_valid',
  corrupt: 'corrupt',
  detached: 'head_detached',
  diverged: 'diverged',
  remote: 'git_remote',
  branch: 'git_branch',
  owner: 'git_owner',
  repository: 'git_repo_name',
  remoteUrl: 'upstream_url',
  recoveryUrl: 'recovery_url',
  currentHash: 'current_commit',
  upstreamHash: 'upstream_commit',
  commits: 'commits_behind',
  behind: 'cbh_count',
  changed: 'modified_files',
  untracked: 'untracked_files',
  isPinValid: 'pinned_commit_valid',
  messages: 'git_messages',
} as const satisfies Partial<Record<keyof RepoState, string>>

/** The record of a state. */
export function storedOf(state: RepoState, rollback: RollbackPoint): StoredState {
  const fields = Object.entries(STORED).map(([key, name]) => [name, state[key as keyof typeof STORED]])
  return {
    ...Object.fromEntries(fields),
    current_version: fullVersion(state.current),
    upstream_version: fullVersion(state.upstream),
    rollback_commit: rollback.commit,
    rollback_branch: rollback.branch,
    rollback_version: fullVersion(rollback.version),
  }
}

/** The state of a record; what cannot be read is as in NO_STATE. */
export function stateOf(stored: StoredState): RepoState {
  const read = Object.entries(STORED).flatMap(([key, name]) => {
    const value = stored[name]
    return isOfType(value, NO_STATE[key as keyof typeof STORED]) ? [[key, value]] : []
  })
  const state = { ...NO_STATE, ...(Object.fromEntries(read) as Partial<RepoState>) }
  return {
    ...state,
    commits: state.commits.filter(isCommit),
    current: describedAt(stored, 'current_version') ?? describedAt(stored, 'full_version_string'),
    upstream: describedAt(stored, 'upstream_version'),
  }
}

/** The rollback point of a record. */
export function rollbackOf(stored: StoredState): RollbackPoint {
  const text = (name: string) => (typeof stored[name] === 'string' ? stored[name] : UNKNOWN)
  const version = describedAt(stored, 'rollback_version')
  return { commit: text('rollback_commit'), branch: text('rollback_branch'), version }
}

function describedAt(stored: StoredState, name: string): DescribedCommit | null {
  const value = stored[name]
  return typeof value === 'string' ? readDescribed(value) : null
}

function isOfType(value: unknown, example: unknown): boolean {
  return Array.isArray(example) ? Array.isArray(value) : typeof value === typeof example
}

function isCommit(value: unknown): value is Commit {
  if (!isPlainObject(value)) return false
  const { sha, author, date, subject, message, tag } = value
  const isText = [sha, author, date, subject, message].every(field => typeof field === 'string')
  return isText && (tag === null || typeof tag === 'string')
}
