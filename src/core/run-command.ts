// Runs another program: no shell, bounded in time and output, and gone when it is no longer wanted.
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
  const { timeoutSeconds, maxBytes = DEFAULT_MAX_BYTES, input, env, cwd, signal } = options
  const { spawn } = await import('node:child_process')
  signal?.throwIfAborted()
  const child = spawn(program, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...env },
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    ...(cwd !== undefined && { cwd }),
  })
  const end = () => killGroup(child.pid)
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, timeoutSeconds * 1000)
  signal?.addEventListener('abort', end)
  // A program that reads nothing closes its input early.
  child.stdin?.on('error', () => undefined).end(input)
  const stdout = keep(child.stdout, maxBytes)
  const stderr = keep(child.stderr, maxBytes)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    signal?.throwIfAborted()
    if (late) throw new CommandError(`${program} did not end within ${timeoutSeconds} seconds`)
    return { code, stdout: stdout(), stderr: stderr() }
  } catch (error) {
    if (error instanceof CommandError || signal?.aborted) throw error
    throw new CommandError(`${program} cannot be run: ${messageOf(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
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
