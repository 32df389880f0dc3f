// A lock of one process on a folder, which ends with the process: several servers may share an installation.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { isPlainObject } from '../../../schema/index.ts'

/** The number of a process and when it started: numbers are used again. */
interface Holder {
  readonly process: number
  readonly startedAt: string
}

/** Takes the lock in `file`; false if another process that runs has it. */
export async function takeLock(file: string): Promise<boolean> {
  if (await isLocked(file)) return false
  const holder: Holder = { process: process.pid, startedAt: (await startOf(process.pid)) ?? '' }
  await writeFile(file, JSON.stringify(holder))
  return true
}

/** Whether another process that runs has the lock. */
export async function isLocked(file: string): Promise<boolean> {
  const holder = await readHolder(file)
  if (holder === null || holder.process === process.pid) return false
  return (await startOf(holder.process)) === holder.startedAt
}

/** Gives the lock back. */
export async function releaseLock(file: string): Promise<void> {
  await rm(file, { force: true })
}

async function readHolder(file: string): Promise<Holder | null> {
  try {
    const holder: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isPlainObject(holder) ? (holder as unknown as Holder) : null
  } catch {
    return null
  }
}

/** The time since the boot at which a process started (proc(5), `starttime`); null if it does not run. */
async function startOf(id: number): Promise<string | null> {
  const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  // The name of the program, in parentheses, may contain blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
