// Runs another program: without a shell, bounded in time and output, and stopped with everything it started.
import type { ChildProcess } from 'node:child_process'
import { setPriority } from 'node:os'
import { messageOf } from './errors.ts'
import { LineSplitter } from './line-splitter.ts'

/** The outputs of a program. */
export type OutputName = 'stdout' | 'stderr'

/** How a program is run. */
export interface CommandOptions {
  /** The longest time it may run. */
  readonly timeoutSeconds: number
  /** The longest time without output; no such limit by default. */
  readonly idleSeconds?: number
  /** Bytes that the result keeps of each output, from its start. 1 MiB by default. */
  readonly keepBytes?: number
  /** The program is stopped after so many bytes of both outputs together. 256 MiB by default. */
  readonly maxBytes?: number
  /**
   * Receives each line that is not empty, without its end. A carriage return ends a line too, as in progress displays;
   * lines over 16 KiB arrive in parts. An error that it throws stops the program.
   */
  readonly onLine?: (line: string, output: OutputName) => void
  /** Written to the standard input, which is closed then. By default there is no input. */
  readonly input?: string | Buffer
  /** Added to the environment of the server. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Run after everything else, for work that must not disturb a print: nice 10, and idle for the disk. */
  readonly lowPriority?: boolean
  /** Seconds from SIGTERM to SIGKILL when the program is stopped; 0, the default, sends SIGKILL at once. */
  readonly graceSeconds?: number
  /**
   * Stops the program when it is aborted. A program with a signal also ends with this process; one without outlives it.
   */
  readonly signal?: AbortSignal
}

/** How a program ended. */
export interface CommandResult {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program could not be started, or exceeded a limit. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

const KEEP_BYTES = 1024 * 1024
const MAX_BYTES = 256 * 1024 * 1024
/** The nice value of low priority. */
const NICE = 10
/** Seconds from SIGKILL until the end is taken for granted: the system may hold a process that waits for a device. */
const KILL_SECONDS = 1

/**
 * Runs `program`, which is looked up in PATH, with `args` as they are, and waits for its end, whatever its exit code.
 * Programs get the C locale, so that their messages can be parsed. Rejects with CommandError, with the reason of
 * `signal`, or with what `onLine` throws; the program and its process group have ended then, unless they run as
 * another user.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  options.signal?.throwIfAborted()
  const processes = await import('node:child_process')
  options.signal?.throwIfAborted()
  return new Running(start(processes, program, args, options), program, options).result()
}

function notStarted(program: string, cause: unknown): CommandError {
  return new CommandError(`${program} cannot be run: ${messageOf(cause)}`, { cause })
}

/** Throws CommandError for arguments that no program can have; all else shows in the event `error`. */
function start(
  { spawn, execFile }: typeof import('node:child_process'),
  program: string,
  args: readonly string[],
  { input, env, cwd, lowPriority = false }: CommandOptions,
): ChildProcess {
  try {
    const child = spawn(program, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', ...env },
      // A process group of its own, so that one signal reaches everything it starts.
      detached: true,
      ...(cwd !== undefined && { cwd }),
    })
    // A program that reads nothing closes its input early.
    child.stdin?.on('error', () => undefined).end(input)
    if (lowPriority && child.pid !== undefined) lowerPriority(child.pid, execFile)
    return child
  } catch (error) {
    throw notStarted(program, error)
  }
}

/** The programs that it starts inherit both. A system without these priorities runs it as any other program. */
function lowerPriority(pid: number, run: typeof import('node:child_process').execFile): void {
  try {
    setPriority(pid, NICE)
  } catch {
    // It has ended already.
  }
  run('ionice', ['-c', '3', '-p', String(pid)], () => undefined)
}

/** A program from its start to its end. */
class Running {
  readonly #child: ChildProcess
  readonly #program: string
  readonly #options: CommandOptions
  readonly #ended = Promise.withResolvers<number | null>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #kept: Record<OutputName, Buffer[]> = { stdout: [], stderr: [] }
  #idleTimer: NodeJS.Timeout | undefined
  #bytes = 0
  /** Why the program is being stopped. */
  #stopping: { readonly reason: unknown } | null = null

  constructor(child: ChildProcess, program: string, options: CommandOptions) {
    this.#child = child
    this.#program = program
    this.#options = options
  }

  async result(): Promise<CommandResult> {
    const { timeoutSeconds, signal } = this.#options
    const child = this.#child
    child.on('error', error => this.#ended.reject(notStarted(this.#program, error)))
    child.on('exit', () => this.#exited())
    child.on('close', code => this.#ended.resolve(code))
    this.#read('stdout')
    this.#read('stderr')
    this.#after(timeoutSeconds, () => this.#exceeded(`did not end within ${timeoutSeconds} seconds`))
    this.#watchIdle()
    const onAbort = () => this.#stop(signal?.reason)
    const onExit = () => signalGroup(child.pid, 'SIGKILL')
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    if (signal !== undefined) atExit(onExit, 1)
    try {
      const code = await this.#ended.promise
      return { code, stdout: this.#text('stdout'), stderr: this.#text('stderr') }
    } finally {
      for (const timer of this.#timers) clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (signal !== undefined) atExit(onExit, -1)
    }
  }

  #text(output: OutputName): string {
    return Buffer.concat(this.#kept[output]).toString()
  }

  /** Reads an output to its end: a program whose output is not read would wait. */
  #read(output: OutputName): void {
    const { keepBytes = KEEP_BYTES, maxBytes = MAX_BYTES, onLine } = this.#options
    const splitter = onLine === undefined ? null : new LineSplitter(line => onLine(line, output))
    let left = keepBytes
    const stream = this.#child[output]
    stream?.on('data', (part: Buffer) => {
      this.#idleTimer?.refresh()
      if (left > 0) this.#kept[output].push(part.subarray(0, left))
      left -= part.length
      this.#bytes += part.length
      if (this.#bytes > maxBytes) this.#exceeded(`wrote more than ${maxBytes} bytes`)
      else this.#split(() => splitter?.push(part))
    })
    stream?.on('end', () => this.#split(() => splitter?.end()))
  }

  /** The listener of an event must not throw: that would end the server. */
  #split(take: () => void): void {
    if (this.#stopping !== null) return
    try {
      take()
    } catch (error) {
      this.#stop(error)
    }
  }

  #watchIdle(): void {
    const { idleSeconds } = this.#options
    if (idleSeconds === undefined) return
    this.#idleTimer = this.#after(idleSeconds, () => {
      this.#exceeded(`wrote nothing for ${idleSeconds} seconds`)
    })
  }

  #after(seconds: number, task: () => void): NodeJS.Timeout {
    const timer = setTimeout(task, seconds * 1000)
    this.#timers.add(timer)
    return timer
  }

  #exceeded(what: string): void {
    this.#stop(new CommandError(`${this.#program} ${what}`))
  }

  /** Stops the program with its group; with a grace period by SIGTERM first. */
  #stop(reason: unknown): void {
    if (this.#stopping !== null) return
    this.#stopping = { reason }
    const { graceSeconds = 0 } = this.#options
    if (graceSeconds === 0) this.#kill()
    else {
      signalGroup(this.#child.pid, 'SIGTERM')
      this.#after(graceSeconds, () => this.#kill())
    }
  }

  /**
   * A program that it started in another group, or as another user, keeps running and keeps the outputs open: they are
   * closed here, without waiting for it.
   */
  #kill(): void {
    const child = this.#child
    const isSent = signalGroup(child.pid, 'SIGKILL')
    for (const stream of child.stdio) stream?.destroy()
    child.unref()
    if (isSent && child.exitCode === null && child.signalCode === null)
      this.#after(KILL_SECONDS, () => this.#giveUp())
    else this.#giveUp()
  }

  /** The program itself has ended; others of its group may run on. */
  #exited(): void {
    if (this.#stopping === null) return
    this.#kill()
    this.#giveUp()
  }

  #giveUp(): void {
    this.#ended.reject(this.#stopping?.reason)
  }
}

/** Adds a listener of the end of this process, or removes it. One for each program is no leak. */
function atExit(listener: () => void, change: 1 | -1): void {
  process.setMaxListeners(process.getMaxListeners() + change)
  if (change === 1) process.on('exit', listener)
  else process.off('exit', listener)
}

/** Whether the signal was sent: not to a group that has ended, nor to one of another user. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
