// Ends a child process as a power failure would.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Sends SIGKILL, and resolves when the process has ended; at once without a process that runs. */
export async function killProcess(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
