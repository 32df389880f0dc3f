// What Linux tells of a process: its memory and the CPU time that it took.
import { readFileSync } from 'node:fs'

/** Of /proc's clock; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU time that the process took so far, s, in user space and kernel. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name in parentheses and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory in MB: all of it, and the part that is the process's own (not the pages of program files). */
export function memory(pid: number): { rss: number; anonymous: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024
  return { rss: megabytes('Rss'), anonymous: megabytes('Anonymous') }
}
