// Reads the state of a repository, and what is new at its remote.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from '../options.ts'
import { compareVersions, isPrerelease, parseVersion, type Version } from '../releases/version.ts'
import { type Commit, readCommits, readTags, type Tag } from './commits.ts'
import { type DescribedCommit, inferVersion, isNewer, readDescribed, UNKNOWN } from './described.ts'
import { type Git, GitError } from './git.ts'
import { ownerOf, publicUrl, type RepoConfig, readConfig, repositoryOf } from './repo-config.ts'
import { NO_STATE, type RepoState } from './repo-state.ts'
import { readWorkTree, sourceFiles, type WorkTree } from './work-tree.ts'

/** Files of each kind that the state lists: an environment in the repository has thousands. */
const MAX_LISTED = 50

/** What is read, and how. */
export interface ReadOptions {
  readonly git: Git
  readonly channel: Channel
  readonly pin: string | null
  /** The state before: what cannot be read now is taken from it. */
  readonly known: RepoState
  /**
   * Fetches from the remote; null to read what the repository has already. Resolves with the URL that it fetched from.
   * Rejects with GitError.
   */
  readonly fetch: ((remote: string, config: RepoConfig) => Promise<string>) | null
  readonly signal: AbortSignal
}

type Changes = { -readonly [K in keyof RepoState]?: RepoState[K] }

/** The kind of `.git` in a folder: a repository, the file of a worktree or submodule, or none. */
export async function kindOf(path: string): Promise<'repository' | 'linked' | 'none'> {
  try {
    const git = join(path, '.git')
    if ((await stat(git)).isDirectory()) return 'repository'
    return (await readFile(git, 'utf8')).startsWith('gitdir: ') ? 'linked' : 'none'
  } catch {
    return 'none'
  }
}

/** Reads the state. A git command that fails shows in it. Rejects with the reason of `signal`. */
export async function readRepo(options: ReadOptions): Promise<RepoState> {
  const { git, signal } = options
  if ((await kindOf(git.path)) === 'none') return NO_STATE
  try {
    return await readDetected(options, await readWorkTree(git, signal))
  } catch (error) {
    if (error instanceof GitError) return unreadable(options, error)
    throw error
  }
}

/** Nothing can be read but the configuration. */
async function unreadable(options: ReadOptions, { isCorruption, output }: GitError): Promise<RepoState> {
  const { remote, branch, owner, repository, remoteUrl } = options.known
  const recoveryUrl = await findRecoveryUrl(options)
  const known = { ...NO_STATE, remote, branch, owner, repository, remoteUrl, recoveryUrl }
  return { ...known, corrupt: isCorruption, messages: [output] }
}

async function findRecoveryUrl({ git, known, signal }: ReadOptions): Promise<string> {
  try {
    const config = await readConfig(git, signal, join(git.path, '.git', 'config'))
    return publicUrl(config.url('origin') ?? known.recoveryUrl)
  } catch (error) {
    if (error instanceof GitError) return known.recoveryUrl
    throw error
  }
}

async function readDetected(options: ReadOptions, tree: WorkTree): Promise<RepoState> {
  const { git, known, signal } = options
  const detached = tree.branch === null
  const state: Changes = { detected: true, detached }
  // A repository without a commit.
  if (tree.head === null) return { ...NO_STATE, ...state, detached: false }
  const config = await readConfig(git, signal)
  const { remote, branch } = detached
    ? await readDetachedBranch(options, config)
    : { remote: config.remoteOf(tree.branch) ?? UNKNOWN, branch: tree.branch }
  const url = config.url(remote)
  if (branch === UNKNOWN || url === null) return { ...NO_STATE, ...state, branch }
  const origin = remote === 'origin' ? url : config.url('origin')
  const recoveryUrl = origin === null ? UNKNOWN : publicUrl(origin)
  Object.assign(state, { remote, branch, recoveryUrl, remoteUrl: publicUrl(url) })
  return readWithRemote(options, tree, config, {
    ...NO_STATE,
    ...state,
    owner: known.owner,
    repository: known.repository,
  })
}

/** The remote branch that HEAD was detached from; that of the state before where git does not report it. */
async function readDetachedBranch({ git, known, signal }: ReadOptions, config: RepoConfig) {
  const list = await git.text(['branch', '--list', '--no-color'], signal)
  const [, from = ''] = /^\* \(HEAD detached (?:at|from) (.+)\)$/m.exec(list) ?? []
  const remote = config.remotes.find(name => from.startsWith(`${name}/`))
  if (remote === undefined) return { remote: known.remote, branch: known.branch }
  return { remote, branch: from.slice(remote.length + 1) }
}

/** Fetches, and reads the rest. An earlier state remains where the remote cannot be reached. */
async function readWithRemote(
  options: ReadOptions,
  tree: WorkTree,
  config: RepoConfig,
  state: RepoState,
): Promise<RepoState> {
  const messages: string[] = []
  let { remoteUrl, recoveryUrl } = state
  try {
    const url = await options.fetch?.(state.remote, config)
    if (url !== undefined && state.remote === 'origin') recoveryUrl = publicUrl(url)
    if (url !== undefined) remoteUrl = publicUrl(url)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    messages.push(error.output)
    if (error.isCorruption) return unreadable(options, error)
    if (options.known.upstreamHash === UNKNOWN) return { ...state, messages }
  }
  const owner = ownerOf(remoteUrl) ?? UNKNOWN
  const repository = repositoryOf(remoteUrl)
  const reached = { ...state, remoteUrl, recoveryUrl, owner, repository, messages }
  try {
    return await readVersions(options, tree, reached)
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (error.isCorruption) return unreadable(options, error)
    return { ...reached, messages: [...messages, error.output] }
  }
}

async function readVersions(options: ReadOptions, tree: WorkTree, state: RepoState): Promise<RepoState> {
  const { git, channel, pin, signal } = options
  const head = tree.head as string
  const at = { ...state, currentHash: head }
  const ref = `refs/remotes/${state.remote}/${state.branch}`
  const tip = await git.run(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], signal)
  if (tip.code !== 0) {
    const message = `fatal: Not a valid object name ${state.remote}/${state.branch}`
    return { ...at, messages: [...state.messages, message] }
  }
  const described = await describe(git, 'HEAD', signal)
  const { ahead, behind: behindTip } = await countDifference(git, ref, signal)
  // Nothing is new: no tag is needed.
  const isCurrent = behindTip === 0 && channel === 'dev' && pin === null
  const tags = isCurrent ? [] : await readTags(git, ref, signal)
  const heads = { head, tip: tip.stdout.trim(), tags, described }
  const target = await findTarget(options, heads)
  const behind = await countBehind(git, target.hash, { ...heads, behindTip, signal })
  const range = [head, target.hash] as const
  const commits: Commit[] = behind > 0 ? await readCommits(git, range, tags, signal) : []
  const versions = await readBoth(git, { head, target: target.hash, described, behind, signal })
  const current = { ...versions.current, isDirty: tree.changed.length > 0 }
  return {
    ...at,
    current,
    upstream: versions.upstream,
    upstreamHash: target.hash,
    commits,
    behind,
    changed: tree.changed.slice(0, MAX_LISTED),
    untracked: sourceFiles(tree).slice(0, MAX_LISTED),
    diverged: !state.detached && ahead > 0,
    isPinValid: target.isPinValid,
    messages: [...state.messages, ...target.messages],
  }
}

async function describe(git: Git, commit: string, signal: AbortSignal): Promise<DescribedCommit | null> {
  const args = ['describe', '--always', '--tags', '--long', '--abbrev=8', commit]
  return readDescribed(await git.text(args, signal))
}

/** The numbers of commits that only HEAD has, and that only `ref` has. */
async function countDifference(git: Git, ref: string, signal: AbortSignal) {
  const counts = await git.text(['rev-list', '--left-right', '--count', `HEAD...${ref}`], signal)
  const [ahead = 0, behind = 0] = counts.split('\t').map(Number)
  return { ahead, behind }
}

/** The number of commits from HEAD to the target. */
async function countBehind(
  git: Git,
  target: string,
  { head, tip, behindTip, signal }: { head: string; tip: string; behindTip: number; signal: AbortSignal },
): Promise<number> {
  if (target === head) return 0
  return target === tip ? behindTip : countCommits(git, `HEAD..${target}`, signal)
}

async function countCommits(git: Git, range: string, signal: AbortSignal): Promise<number> {
  return Number(await git.text(['rev-list', '--count', range], signal))
}

interface Heads {
  readonly head: string
  /** The newest commit of the remote branch. */
  readonly tip: string
  readonly tags: readonly Tag[]
  readonly described: DescribedCommit | null
}

/** The commit that an update moves to. */
interface Target {
  readonly hash: string
  readonly isPinValid: boolean
  readonly messages: readonly string[]
}

async function findTarget(options: ReadOptions, heads: Heads): Promise<Target> {
  const { channel, pin } = options
  const target = (hash: string): Target => ({ hash, isPinValid: true, messages: [] })
  if (pin !== null) return findPinned(options, heads.head, pin)
  if (channel === 'dev') return target(heads.tip)
  return target((await findRelease(options, heads)) ?? heads.head)
}

/** A pin that is not newer than HEAD changes nothing. */
async function findPinned({ git, signal }: ReadOptions, head: string, pin: string): Promise<Target> {
  const known = await git.run(['cat-file', '-e', `${pin}^{commit}`], signal)
  if (known.code !== 0) return { hash: head, isPinValid: false, messages: [known.stderr.trim()] }
  const isAhead =
    !head.startsWith(pin) && (await git.test(['merge-base', '--is-ancestor', head, pin], signal))
  return { hash: isAhead ? pin : head, isPinValid: true, messages: [] }
}

/**
 * The newest release of the channel after HEAD: the one that contains the others; of releases on parallel branches the
 * highest version. Null if HEAD is as new.
 */
async function findRelease({ git, channel, signal }: ReadOptions, { tags, described }: Heads) {
  const releases = tags.flatMap(({ name, commit }) => {
    const version = parseVersion(name)
    const isOffered = version !== null && isInChannel(version, channel) && isNewer(version, described)
    return isOffered ? [{ version, commit }] : []
  })
  if (releases.length === 0) return null
  const all = releases.map(({ commit }) => commit)
  const newest = new Set((await git.text(['merge-base', '--independent', ...all], signal)).split('\n'))
  const last = releases.filter(({ commit }) => newest.has(commit))
  return last.sort((a, b) => compareVersions(b.version, a.version))[0]?.commit ?? null
}

/** Beta and release candidate belong to the channel beta, alpha to none. */
function isInChannel(version: Version, channel: Channel): boolean {
  if (!isPrerelease(version)) return true
  const [phase = ''] = version.suffix
  return channel === 'beta' && (phase === 'b' || phase === 'rc')
}

/** The versions of HEAD and of the target; a commit without a version has one that is inferred from the other. */
async function readBoth(
  git: Git,
  {
    head,
    target,
    described,
    behind,
    signal,
  }: { head: string; target: string; described: DescribedCommit | null; behind: number; signal: AbortSignal },
): Promise<{ current: DescribedCommit; upstream: DescribedCommit }> {
  const upstream = target === head ? described : await describe(git, target, signal)
  const current =
    described ??
    inferVersion(upstream, { count: await countCommits(git, 'HEAD', signal), hash: head, isDirty: false })
  if (target === head) return { current, upstream: current }
  if (upstream !== null) return { current, upstream }
  const after = { ...current, count: current.count + behind, hash: target.slice(0, 8), isInferred: true }
  return { current, upstream: after }
}
