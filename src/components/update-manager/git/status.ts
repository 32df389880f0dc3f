// What clients see of a repository.
import type { EntryStatus } from '../../../api/update-manager.ts'
import type { Channel } from '../options.ts'
import { fullVersion, shortVersion, UNKNOWN } from './described.ts'
import { isSameUrl } from './repo-config.ts'
import type { RepoState, RollbackPoint } from './repo-state.ts'

/** What a repository is by its configuration. */
export interface RepoSpec {
  readonly name: string
  readonly channel: Channel
  readonly primaryBranch: string
  /** The URL of the official repository; null accepts every one. */
  readonly origin: string | null
  readonly pin: string | null
  readonly services: readonly string[]
  readonly infoTags: readonly string[]
  readonly reportAnomalies: boolean
  /** The server runs with the debug option: HEAD may be detached. */
  readonly debug: boolean
}

/** Whether the repository can be updated. */
export function isValid({ debug }: RepoSpec, state: RepoState): boolean {
  const { detected, corrupt, diverged, detached, changed, branch, remote, upstreamHash } = state
  const isKnown = branch !== UNKNOWN && remote !== UNKNOWN && upstreamHash !== UNKNOWN
  return isKnown && detected && !corrupt && !diverged && changed.length === 0 && (!detached || debug)
}

/** Whether there is something to update to. */
export function isBehind({ currentHash, upstreamHash }: RepoState): boolean {
  return !currentHash.startsWith(upstreamHash)
}

/** The status of the entry. */
export function gitStatus(spec: RepoSpec, state: RepoState, rollback: RollbackPoint): EntryStatus {
  const isDirty = state.changed.length > 0
  return {
    channel: spec.channel,
    debug_enabled: spec.debug,
    channel_invalid: false,
    is_valid: isValid(spec, state),
    configured_type: 'git_repo',
    info_tags: [...spec.infoTags],
    detected_type: 'git_repo',
    repo_detected: state.detected,
    remote_alias: state.remote,
    branch: state.branch,
    owner: state.owner,
    repo_name: state.repository,
    remote_url: state.remoteUrl,
    recovery_url: state.recoveryUrl,
    version: shortVersion(state.current),
    remote_version: shortVersion(state.upstream),
    rollback_version: shortVersion(rollback.version),
    current_hash: state.currentHash,
    remote_hash: state.upstreamHash,
    is_dirty: isDirty,
    detached: state.detached,
    commits_behind: [...state.commits],
    commits_behind_count: state.behind,
    git_messages: [...state.messages],
    full_version_string: fullVersion(state.current),
    pristine: !isDirty && state.untracked.length === 0,
    corrupt: state.corrupt,
    warnings: warningsOf(spec, state),
    anomalies: spec.reportAnomalies ? anomaliesOf(spec, state) : [],
    name: spec.name,
    preview: previewOf(spec, state),
  }
}

function previewOf(spec: RepoSpec, state: RepoState) {
  if (!isValid(spec, state) || !isBehind(state)) return null
  const { upstream, behind } = state
  return {
    version: shortVersion(upstream),
    commits: behind,
    size: null,
    packages: [],
    services: [...spec.services],
  }
}

function warningsOf({ debug }: RepoSpec, state: RepoState): string[] {
  const { detected, corrupt, branch, remote, remoteUrl, detached, changed } = state
  const all: readonly (readonly [boolean, string])[] = [
    [!detected, 'No git repo detected at configured path'],
    [corrupt, 'Repo is corrupt'],
    [branch === UNKNOWN, 'Failed to detect git branch'],
    [branch !== UNKNOWN && remote === UNKNOWN, `Failed to detect tracking remote for branch ${branch}`],
    [remoteUrl === UNKNOWN, 'Failed to detect repo url'],
    [detached && !debug, DETACHED],
    [changed.length > 0, `Repo is dirty.  Detected the following modified files: ${pythonList(changed)}`],
  ]
  return all.flatMap(([applies, text]) => (applies ? [text] : []))
}

const DETACHED = 'Detached HEAD detected'

function anomaliesOf({ origin, pin, primaryBranch, debug }: RepoSpec, state: RepoState): string[] {
  const { remote, branch, remoteUrl, isPinValid, untracked, diverged, detached } = state
  const isKnown = remote !== UNKNOWN && branch !== UNKNOWN
  const isOfficial = remote === 'origin' && branch === primaryBranch
  const isForeign = origin !== null && remoteUrl !== UNKNOWN && !isSameUrl(remoteUrl, origin)
  const expected = `Repo not on official remote/branch, expected: origin/${primaryBranch}`
  const all: readonly (readonly [boolean, string])[] = [
    [!isPinValid, `Pinned Commit ${pin} does not exist`],
    [isForeign, `Unofficial remote url: ${remoteUrl}`],
    [isKnown && !isOfficial, `${expected}, detected: ${remote}/${branch}`],
    [untracked.length > 0, `Repo has untracked source files: ${pythonList(untracked)}`],
    [detached && debug, DETACHED],
    [diverged, 'Repo has diverged from remote'],
  ]
  return all.flatMap(([applies, text]) => (applies ? [text] : []))
}

/** A list in Python's notation, as clients know it: `['a.py', "it's.py"]`. */
function pythonList(items: readonly string[]): string {
  const quote = (text: string) => {
    const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
    return mark + text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(mark, `\\${mark}`) + mark
  }
  return `[${items.map(quote).join(', ')}]`
}
