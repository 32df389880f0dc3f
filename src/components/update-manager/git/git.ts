// Runs git in one repository: without a shell, without questions, bounded in time, and without the programs that the
// configuration of a repository could name.
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Clock, sleep } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import type { ProgramStarts } from '../../../core/program-starts.ts'
import { CommandError, type CommandResult, runCommand } from '../../../core/run-command.ts'
import { LIST_SETTINGS, withoutPrograms } from './named-programs.ts'

/** Seconds for a command that reads or changes the repository without the network. */
const LOCAL_SECONDS = 120
/** Seconds for a command that transfers data. */
const NETWORK_SECONDS = 3600
/** Seconds after which a failed attempt is not repeated: the remote hangs. */
const SLOW_SECONDS = 20
/** Seconds between the attempts of a transfer. */
const RETRY_SECONDS = 0.5
/** Seconds for git to remove its locks when it is stopped. */
const GRACE_SECONDS = 2
/** Bytes of the output of one command. */
const MAX_OUTPUT = 16 * 1024 * 1024
/** Characters of a failed command's output that clients see. */
const MAX_MESSAGE = 4000

/** Where and how git runs. */
export interface GitOptions {
  /** The folder of the repository, without links. */
  readonly path: string
  readonly clock: Clock
  /** Requests for https://github.com/ go here. */
  readonly mirror: string | null
  /** Shared by all repositories, which refresh side by side. */
  readonly starts: ProgramStarts
}

/** How a transfer is run. */
export interface Transfer {
  readonly signal: AbortSignal
  readonly attempts: number
  /** Seconds without output after which the remote hangs. */
  readonly idleSeconds: number
  /** Receives each line of the output. */
  readonly onLine?: (line: string) => void
}

/** A git command failed. */
export class GitError extends Error {
  override readonly name = 'GitError'
  /** The command without `git -C PATH`: `fetch origin --prune --progress`. */
  readonly command: string
  /** What it wrote; '' where it wrote nothing, or did not end in time. */
  readonly output: string

  constructor(args: readonly string[], output: string) {
    const command = args.join(' ')
    super(`git ${command}: ${output || 'no output'}`)
    this.command = command
    this.output = output
  }

  /** Whether git found damaged objects. */
  get isCorruption(): boolean {
    return isCorruption(this.output)
  }
}

/** Whether the output of git is about damaged objects. */
export function isCorruption(output: string): boolean {
  return /^(?:fatal|error): .*(?:is corrupt|is empty|unable to unpack|bad object|unable to read tree|unable to read [0-9a-f]{40})/m.test(
    output,
  )
}

/**
 * Settings that come before those of the repository: a repository that is not ours must not start programs of its own,
 * and nothing runs in the background after a command.
 */
const SETTINGS: readonly string[] = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.quotePath=false',
  'advice.detachedHead=false',
  // What a command wrote is on the disk when it ends.
  'core.fsync=all',
  'submodule.recurse=false',
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  'fetch.recurseSubmodules=false',
  'log.showSignature=false',
  'merge.verifySignatures=false',
  'protocol.ext.allow=never',
]

type RunOptions = Parameters<typeof runCommand>[2] & { readonly signal: AbortSignal }

export class Git {
  readonly path: string
  readonly #options: GitOptions
  /** Settings that switch off the programs of the repository, and the state of its configuration that they belong to. */
  #overrides: { readonly state: string; readonly settings: readonly string[] } | null = null

  constructor(options: GitOptions) {
    this.path = options.path
    this.#options = options
  }

  /** The same in another folder. */
  at(path: string): Git {
    return new Git({ ...this.#options, path })
  }

  /** Runs a command, whatever its exit code. Rejects with GitError if it does not run, with the reason of `signal`. */
  async run(args: readonly string[], signal: AbortSignal, env: Readonly<Record<string, string>> = {}) {
    try {
      const all = { ...this.#environment(), ...env }
      return await this.#run(args, { timeoutSeconds: LOCAL_SECONDS, signal, env: all })
    } catch (error) {
      if (error instanceof CommandError) throw new GitError(args, error.message)
      throw error
    }
  }

  /** The output of a command without white space at its end. Rejects with GitError, and as `run` does. */
  async text(
    args: readonly string[],
    signal: AbortSignal,
    env?: Readonly<Record<string, string>>,
  ): Promise<string> {
    const result = await this.run(args, signal, env)
    if (result.code !== 0) throw new GitError(args, outputOf(result))
    return result.stdout.trimEnd()
  }

  /** Runs a command with an input. Rejects as `text` does. */
  async write(
    args: readonly string[],
    input: string,
    signal: AbortSignal,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const all = { ...this.#environment(), ...env }
    const result = await this.#run(args, { timeoutSeconds: LOCAL_SECONDS, signal, input, env: all })
    if (result.code !== 0) throw new GitError(args, outputOf(result))
  }

  /** Whether the command ends with code 0. Code 1 is a no; rejects with GitError for any other. */
  async test(args: readonly string[], signal: AbortSignal): Promise<boolean> {
    const result = await this.run(args, signal)
    if (result.code === 0) return true
    if (result.code === 1) return false
    throw new GitError(args, outputOf(result))
  }

  /** Runs a command that transfers data, again after a failure. Rejects with GitError with the last output. */
  async transfer(args: readonly string[], transfer: Transfer): Promise<void> {
    const { clock } = this.#options
    for (let left = transfer.attempts - 1; ; left -= 1) {
      const startedAt = clock.monotonic()
      const failure = await this.#transfer(args, transfer)
      if (failure === null) return
      const isSlow = clock.monotonic() - startedAt > SLOW_SECONDS
      if (left === 0 || isSlow || isCorruption(failure)) throw new GitError(args, failure)
      await sleep(clock, RETRY_SECONDS, transfer.signal)
    }
  }

  /** The output of a failure, null for a success. */
  async #transfer(
    args: readonly string[],
    { signal, idleSeconds, onLine }: Transfer,
  ): Promise<string | null> {
    try {
      const result = await this.#run(args, {
        timeoutSeconds: NETWORK_SECONDS,
        idleSeconds,
        signal,
        env: this.#environment(),
        ...(onLine !== undefined && { onLine }),
      })
      return result.code === 0 ? null : outputOf(result)
    } catch (error) {
      if (error instanceof CommandError) return error.message
      throw error
    }
  }

  async #run(args: readonly string[], options: RunOptions): Promise<CommandResult> {
    const { mirror, starts } = this.#options
    const settings = [...SETTINGS, ...(await this.#readOverrides(args, options.signal))]
    if (mirror !== null) settings.push(`url.${mirror}.insteadOf=https://github.com/`)
    const given = settings.flatMap(setting => ['-c', setting])
    await starts.next()
    return runCommand('git', ['-C', this.path, ...given, ...args], {
      keepBytes: MAX_OUTPUT,
      maxBytes: 4 * MAX_OUTPUT,
      graceSeconds: GRACE_SECONDS,
      ...options,
    })
  }

  /**
   * Git has no option to ignore the configuration of a repository, so it is read, and what it names is switched off by
   * name. Who can write it between this and the command can still make git run a program.
   */
  async #readOverrides(args: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const state = await this.#configState()
    if (this.#overrides !== null && this.#overrides.state === state) return this.#overrides.settings
    const options = { timeoutSeconds: LOCAL_SECONDS, signal, env: this.#environment(), keepBytes: MAX_OUTPUT }
    await this.#options.starts.next()
    const list = await runCommand('git', ['-C', this.path, ...LIST_SETTINGS], options)
    // Where it cannot be read, other commands fail too; only git before 2.26 lacks the option for the scope.
    if (list.code !== 0) return []
    try {
      const { settings, isComplete } = withoutPrograms(list.stdout)
      this.#overrides = state !== null && isComplete ? { state, settings } : null
      return settings
    } catch (error) {
      throw new GitError(args, messageOf(error))
    }
  }

  /** Changes with the configuration: the time of change (ctime) cannot be set. Null where it is not in `.git` itself. */
  async #configState(): Promise<string | null> {
    const stateOf = (name: string) =>
      stat(join(this.path, '.git', name), { bigint: true }).then(
        ({ ino, size, ctimeNs }) => `${ino} ${size} ${ctimeNs}`,
        () => '',
      )
    const [config, worktree] = [await stateOf('config'), await stateOf('config.worktree')]
    return config === '' ? null : `${config}, ${worktree}`
  }

  #environment(): Record<string, string> {
    return {
      // A folder without a repository must not take that of a folder above it.
      GIT_CEILING_DIRECTORIES: dirname(this.path),
      // Reading takes no lock, which a power cut would leave.
      GIT_OPTIONAL_LOCKS: '0',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: 'true',
      SSH_ASKPASS_REQUIRE: 'never',
      GIT_EDITOR: 'true',
      GIT_PAGER: 'cat',
      // A server that sends less than 1000 bytes per second for a minute has hung.
      GIT_HTTP_LOW_SPEED_LIMIT: '1000',
      GIT_HTTP_LOW_SPEED_TIME: '60',
    }
  }
}

/** What a command wrote, as clients see it. */
export function outputOf({ stdout, stderr }: CommandResult): string {
  return (stderr.trim() || stdout.trim()).slice(0, MAX_MESSAGE)
}
