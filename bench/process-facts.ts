// What Linux reports about a process: its memory, the CPU time it has used, and how often it has woken up.
import { readdirSync, readFileSync } from 'node:fs'

/** Of /proc's clock; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU time that the process has used so far, s, in user space and kernel. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name in parentheses and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** How often the threads of the process have waited so far, and woken up again (voluntary context switches). */
export function wakeUps(pid: number): number {
  let count = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
    count += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1])
  }
  return count
}

/** Memory of a process in MB. */
export interface Memory {
  /** In RAM. */
  readonly rss: number
  /** In RAM, where pages that several processes share count for each in part. */
  readonly pss: number
  /** In RAM, without the pages of files (programs and libraries). */
  readonly anonymous: number
}

export function memory(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024
  return { rss: megabytes('Rss'), pss: megabytes('Pss'), anonymous: megabytes('Anonymous') }
}
