// The type git_repo: a repository that follows a branch of its remote.
import { join } from 'node:path'
import type { EntryStatus } from '../../../api/update-manager.ts'
import type { Clock } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import type { PlainData } from '../../../core/plain-data.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { Dependencies } from '../dependencies/index.ts'
import type { Requirements } from '../dependencies/requirements.ts'
import type { Recovery, StoredState, UpdateRun, Updater } from '../updater.ts'
import { type Move, moveForward, readMove, resetTo, settleMove } from './change-repo.ts'
import { endRecovery } from './clone-recovery.ts'
import { UNKNOWN } from './described.ts'
import { type Git, GitError } from './git.ts'
import { freeLocks, withServerLock } from './locks.ts'
import { readRepo } from './read-repo.ts'
import type { RepoAccess } from './recovery.ts'
import { type RepoConfig, readConfig } from './repo-config.ts'
import { NO_STATE, type RepoState, type RollbackPoint, rollbackOf, stateOf, storedOf } from './repo-state.ts'
import { gitStatus, isBehind, isValid, type RepoSpec } from './status.ts'
import { readWorkTree } from './work-tree.ts'

/** What it is made from. */
export interface GitUpdaterParts {
  readonly spec: RepoSpec
  readonly git: Git
  readonly clock: Clock
  readonly dependencies: Pick<Dependencies, 'read' | 'install'>
  /** Rejects with ApiError for a commit that must not be installed; left out where each one may. */
  readonly check?: (commit: string, signal: AbortSignal) => Promise<void>
  /** The URL to use in place of that of the remote: the repository may have moved. */
  readonly findUrl: (url: string, signal: AbortSignal) => Promise<string>
}

/** How often an update and a refresh fetch, and the seconds without output after which the remote hangs. */
const UPDATE_FETCH = { attempts: 5, idleSeconds: 300 }
const REFRESH_FETCH = { attempts: 2, idleSeconds: 60 }

export class GitUpdater implements Updater {
  readonly name: string
  readonly label: string
  readonly services: readonly string[]
  readonly folder: string
  readonly #parts: GitUpdaterParts
  #state: RepoState = NO_STATE
  #rollback: RollbackPoint = { commit: UNKNOWN, branch: UNKNOWN, version: null }
  /** A move that failed, and that could not be taken back either, such as on a full disk. */
  #unsettled: Move | null = null

  constructor(parts: GitUpdaterParts) {
    this.#parts = parts
    this.name = parts.spec.name
    this.services = parts.spec.services
    this.folder = parts.git.path
    this.label = `Git Repo ${this.name}`
  }

  status(): EntryStatus {
    return gitStatus(this.#parts.spec, this.#state, this.#rollback)
  }

  stored(): StoredState {
    const state = storedOf(this.#state, this.#rollback)
    return { ...state, is_valid: isValid(this.#parts.spec, this.#state), unsettled_move: this.#unsettled }
  }

  restore(stored: StoredState): void {
    this.#state = stateOf(stored)
    this.#rollback = rollbackOf(stored)
    this.#unsettled = readMove(stored.unsettled_move)
  }

  async refresh(signal: AbortSignal): Promise<void> {
    if (this.#unsettled !== null) await this.#withLock(() => this.#settle(signal))
    await this.#read(signal, (remote, config) => this.#fetch(remote, config, { signal, ...REFRESH_FETCH }))
    if (this.#rollback.version === null) this.#rollback = this.#present()
  }

  /** Reads the state of the repository; without `fetch`, what it has already. */
  async #read(signal: AbortSignal, fetch: Parameters<typeof readRepo>[0]['fetch'] = null): Promise<void> {
    const { git, spec } = this.#parts
    const { channel, pin } = spec
    this.#state = await readRepo({ git, channel, pin, known: this.#state, fetch, signal })
  }

  async #fetch(
    remote: string,
    config: RepoConfig,
    transfer: Parameters<Git['transfer']>[1],
  ): Promise<string> {
    const { git, findUrl } = this.#parts
    const written = config.url(remote) as string
    const url = await findUrl(written, transfer.signal)
    if (url !== written) await git.text(['remote', 'set-url', remote, url], transfer.signal)
    await git.transfer(['fetch', remote, '--prune', '--progress'], transfer)
    return url
  }

  /** What a rollback after the next change returns to. */
  #present(): RollbackPoint {
    const { currentHash, branch, current } = this.#state
    return { commit: currentHash, branch, version: current }
  }

  async update(run: UpdateRun): Promise<void> {
    if (this.#unsettled !== null) await this.refresh(run.signal)
    if (!isValid(this.#parts.spec, this.#state)) throw new ApiError(400, 'Update aborted, repo not valid')
    if (!isBehind(this.#state)) return
    await this.#withLock(() => this.#update(run))
  }

  #withLock<T>(work: () => Promise<T>): Promise<T> {
    return withServerLock(this.folder, work)
  }

  async #update(run: UpdateRun): Promise<void> {
    run.message(`Updating Application ${this.name}...`)
    run.message(`${this.label}: Updating Repo...`)
    const before = await this.#parts.dependencies.read()
    await this.#orReread(run, async () => {
      await this.#withRepair(run, () => this.#download(run))
      const { changed, currentHash, upstreamHash } = this.#state
      if (changed.length > 0) throw new ApiError(400, 'Update aborted, repo has been modified')
      if (upstreamHash === UNKNOWN) throw new ApiError(400, 'Update aborted, repo not valid')
      await this.#parts.check?.(upstreamHash, run.signal)
      await run.note({ from: currentHash, to: upstreamHash, isUpdate: true })
      const previous = this.#present()
      const move = { from: currentHash, to: upstreamHash }
      await run.uninterrupted(() =>
        this.#withRepair(run, () => this.#orReturn(run, move, () => this.#move(run))),
      )
      this.#rollback = previous
    })
    await this.#finish(run, before, 'Update Finished...')
  }

  /** Fetches, and reads what there is to move to. */
  async #download(run: UpdateRun): Promise<void> {
    const { git, clock } = this.#parts
    await freeLocks(git.path, clock, run.signal)
    const transfer = { signal: run.signal, ...UPDATE_FETCH, onLine: gitLines(run) }
    let failure: unknown = null
    await this.#read(run.signal, async (remote, config) => {
      try {
        return await this.#fetch(remote, config, transfer)
      } catch (error) {
        failure = error
        throw error
      }
    })
    if (failure !== null) throw failure
    const { corrupt, messages } = this.#state
    if (corrupt) throw new GitError(['status'], messages.join('\n'))
  }

  /** A move that fails, such as on a full disk, leaves no file of the new commit. Local changes are left as they are. */
  async #orReturn<T>(run: UpdateRun, move: Move, work: () => Promise<T>): Promise<T> {
    const wasClean = this.#state.changed.length === 0
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof GitError) || error.isCorruption || !wasClean) throw error
      const { changed } = await readWorkTree(this.#parts.git, run.signal)
      if (changed.length > 0) {
        this.#unsettled = move
        await this.#settle(run.signal)
      }
      throw error
    }
  }

  /** Takes a move back that failed. Where that fails too, the next refresh tries again. */
  async #settle(signal: AbortSignal): Promise<void> {
    const { git, clock } = this.#parts
    const move = this.#unsettled
    if (move === null) return
    try {
      await freeLocks(git.path, clock, signal)
      // Another program may have moved the repository meanwhile.
      const head = await git.text(['rev-parse', 'HEAD'], signal)
      if (head === move.from || head === move.to) await settleMove({ git, clock, signal }, move)
      this.#unsettled = null
    } catch (error) {
      if (!(error instanceof GitError)) throw error
    }
  }

  async #move(run: UpdateRun): Promise<void> {
    const { git, clock } = this.#parts
    const { diverged, detached, remote, branch, upstreamHash } = this.#state
    const options = { git, clock, signal: run.signal }
    if (!diverged && !detached) return moveForward(options, upstreamHash, gitLines(run))
    if (diverged) run.message(`${this.label}: Repo has diverged, attempting git reset`)
    this.#reportSaved(
      run,
      await resetTo(options, upstreamHash, detached ? null : branch),
      `${remote}/${branch}`,
    )
  }

  #reportSaved(run: UpdateRun, branches: readonly string[], target: string): void {
    for (const branch of branches)
      run.message(`${this.label}: Local changes that are not in ${target} are kept in the branch ${branch}`)
  }

  /** Runs a step again after a repair if it finds damaged objects. */
  async #withRepair<T>(run: UpdateRun, step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof GitError) || !error.isCorruption) throw error
      await this.#repairObjects(run)
      return step()
    }
  }

  async #repairObjects(run: UpdateRun): Promise<void> {
    const { git } = this.#parts
    run.message('Attempting to repair loose objects...')
    const remote = await this.#findRemote(run.signal)
    const { repairObjects } = await import('./repair-objects.ts')
    if (await repairObjects(git, remote, run.signal, gitLines(run))) return
    run.message('Attempt to repair loose objects failed, hard recovery is required')
    this.#state = { ...this.#state, detected: false, corrupt: true }
    throw new ApiError(400, 'Unable to repair loose objects, use hard recovery')
  }

  /** The remote; that of the primary branch where the branch cannot be read. */
  async #findRemote(signal: AbortSignal): Promise<string> {
    const { git, spec } = this.#parts
    const { remote } = this.#state
    if (remote !== UNKNOWN) return remote
    const config = await readConfig(git, signal, join(git.path, '.git', 'config'))
    return config.remoteOf(spec.primaryBranch) ?? 'origin'
  }

  /** Reads the state again after a failure, and makes the error one for clients. */
  async #orReread(run: UpdateRun, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const { corrupt } = this.#state
      if (!run.signal.aborted && !corrupt) await this.#read(run.signal)
      if (!(error instanceof GitError)) throw error
      this.#state = { ...this.#state, messages: error.output === '' ? [] : [error.output] }
      throw new ApiError(400, `Git Command '${error.command}' failed`, { cause: error })
    }
  }

  async #finish(run: UpdateRun, before: Requirements | null, last: string): Promise<void> {
    try {
      await this.#parts.dependencies.install(run, this.label, before)
    } finally {
      await this.#read(run.signal)
    }
    await run.restartServices(this.label)
    run.message(`${this.label}: ${last}`, true)
  }

  async rollback(run: UpdateRun): Promise<void> {
    const { commit, branch } = this.#rollback
    if (commit === UNKNOWN || branch === UNKNOWN)
      throw new ApiError(400, 'Incomplete rollback data stored, cannot rollback')
    const { currentHash, branch: currentBranch } = this.#state
    if (currentHash === commit && currentBranch === branch) {
      run.message(`${this.label}: Rollback not performed`, true)
      return
    }
    await this.#withLock(() => this.#rollBack(run, commit, branch))
  }

  async #rollBack(run: UpdateRun, commit: string, branch: string): Promise<void> {
    const { git, clock, dependencies } = this.#parts
    const { currentHash, detached } = this.#state
    const before = await dependencies.read()
    await this.#orReread(run, async () => {
      await freeLocks(git.path, clock, run.signal)
      await run.note({ from: currentHash, to: commit })
      const options = { git, clock, signal: run.signal }
      const saved = await run.uninterrupted(() =>
        this.#orReturn(run, { from: currentHash, to: commit }, () =>
          resetTo(options, commit, detached ? null : branch),
        ),
      )
      this.#reportSaved(run, saved, commit.slice(0, 8))
    })
    await this.#finish(run, before, 'Rollback Complete')
  }

  recover(run: UpdateRun, how: Recovery): Promise<void> {
    return this.#withLock(() => this.#recover(run, how))
  }

  async #recover(run: UpdateRun, { hard, dependencies }: Recovery): Promise<void> {
    run.message(`${this.label}: Attempting Repo Recovery...`)
    const before = dependencies ? null : await this.#parts.dependencies.read()
    const { hardRecovery, softRecovery } = await import('./recovery.ts')
    await this.#orReread(run, () => (hard ? hardRecovery : softRecovery)(run, this.#access(run)))
    this.#unsettled = null
    await this.refresh(run.signal)
    this.#rollback = this.#present()
    if (!isValid(this.#parts.spec, this.#state))
      throw new ApiError(500, 'Recovery attempt failed, repo state not pristine')
    await this.#finish(run, before, 'Reinstall Complete')
  }

  #access(run: UpdateRun): RepoAccess {
    const { git, clock, spec } = this.#parts
    return {
      git,
      clock,
      spec,
      label: this.label,
      state: this.#state,
      onLine: gitLines(run),
      repairObjects: () => this.#repairObjects(run),
      reportSaved: (branches, target) => this.#reportSaved(run, branches, target),
    }
  }

  repair(run: UpdateRun, details: PlainData): Promise<string> {
    return this.#withLock(() => this.#repair(run, details))
  }

  async #repair(run: UpdateRun, details: PlainData): Promise<string> {
    const { git, clock, dependencies } = this.#parts
    await endRecovery(git.path)
    await freeLocks(git.path, clock, run.signal)
    const move = readMove(details)
    if (move === null) return 'no file was changed'
    const options = { git, clock, signal: run.signal }
    const { commit, isDone, saved } = await this.#withRepair(run, () => settleMove(options, move))
    if (isDone && isPlainObject(details) && details.isUpdate === true) this.#rollback = this.#present()
    if (isDone) await dependencies.install(run, this.label, null)
    await this.#read(run.signal)
    const kept = saved === null ? '' : `; other files are kept in the branch ${saved}`
    return `the repository is at ${isDone ? 'the new' : 'the previous'} commit ${commit.slice(0, 8)}${kept}`
  }
}

/** What the server of a transfer counts. */
const COUNTS = /^remote: (?:Enumerating|Counting|Compressing|Total) /
const PROGRESS = /^(?:remote: )?[A-Z][a-z]+(?: [a-z]+)*:\s+(\d{1,3})% \(/

/** Passes the output of git on: its percentages as the progress, everything else as messages. */
function gitLines(run: UpdateRun): (line: string) => void {
  return line => {
    const percent = PROGRESS.exec(line)?.[1]
    if (percent !== undefined) run.progress(Number(percent) / 100)
    else if (!COUNTS.test(line)) run.message(line)
  }
}
