// Runs another program: no shell, bounded in time and output, and gone when it is no longer wanted.
import type { ChildProcess } from 'node:child_process'
import { messageOf } from './errors.ts'

/** How a program is run. */
export interface CommandOptions {
  /** After that it is killed, with what it started. */
  readonly timeoutSeconds: number
  /** What is kept of each of its outputs; the rest is read and dropped. 1 MiB unless said otherwise. */
  readonly maxBytes?: number
  /** Given on its standard input, which is closed after it; nothing otherwise. */
  readonly input?: string
  /** Beside the server's own environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly signal?: AbortSignal
}

/** How a program ended. */
export interface CommandResult {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The program could not be started, or did not end in time. */
export class CommandError extends Error {}

const DEFAULT_MAX_BYTES = 1024 * 1024

/**
 * Runs `program` with `args` as they are, and waits for its end, whatever its exit code. Programs see the C locale, so
 * that their words can be read. Rejects with CommandError, or with the reason of `signal`.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { signal } = options
  signal?.throwIfAborted()
  try {
    return await outcomeOf(await start(program, args, options), program, options)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof CommandError) throw error
    throw new CommandError(`${program} cannot be run: ${messageOf(error)}`, { cause: error })
  }
}

async function start(
  program: string,
  args: readonly string[],
  { input, env, cwd }: CommandOptions,
): Promise<ChildProcess> {
  const { spawn } = await import('node:child_process')
  const child = spawn(program, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...env },
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    ...(cwd !== undefined && { cwd }),
  })
  // A program that reads nothing closes its input early.
  child.stdin?.on('error', () => undefined).end(input)
  return child
}

/** Waits for the end of a program, and for no longer than it is wanted. */
async function outcomeOf(
  child: ChildProcess,
  program: string,
  { timeoutSeconds, maxBytes = DEFAULT_MAX_BYTES, signal }: CommandOptions,
): Promise<CommandResult> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  const giveUp = (reason: unknown) => {
    reject(reason)
    abandon(child)
  }
  const timer = setTimeout(
    () => giveUp(new CommandError(`${program} did not end within ${timeoutSeconds} seconds`)),
    timeoutSeconds * 1000,
  )
  const onAbort = () => giveUp(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  child.on('error', reject)
  child.on('close', resolve)
  const stdout = keep(child.stdout, maxBytes)
  const stderr = keep(child.stderr, maxBytes)
  try {
    return { code: await promise, stdout: stdout(), stderr: stderr() }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/**
 * Ends a program with its group. What it has started in another group, or in the name of another user, lives on and
 * holds the outputs open: nobody waits for that.
 */
function abandon(child: ChildProcess): void {
  killGroup(child.pid)
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
  child.unref()
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** Reads a stream to its end and keeps its beginning. */
function keep(stream: NodeJS.ReadableStream | null, maxBytes: number): () => string {
  const parts: Buffer[] = []
  let left = maxBytes
  stream?.on('data', (part: Buffer) => {
    if (left > 0) parts.push(part.subarray(0, left))
    left -= part.length
  })
  return () => Buffer.concat(parts).toString()
}
