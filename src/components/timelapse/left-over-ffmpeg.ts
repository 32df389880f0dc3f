// Ends an ffmpeg that outlived a killed server: a video must not be rendered twice at the same time.
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'

/** How long ended processes are waited for: one that waits for its disk ends late. */
const CHECKS = 100
const CHECK_MS = 50

/**
 * Ends the ffmpeg that writes the draft of this name, with its process group, and removes the draft. The name of a draft
 * is random and used once, so its command line identifies the process; that of another program with the draft as an
 * argument differs. `ending` are the arguments of ffmpeg in front of the draft. Resolves with whether none runs any more.
 */
export async function endLeftOver(draft: string, ending: readonly string[]): Promise<boolean> {
  const isWriter = (args: readonly string[]) =>
    basename(args.at(-1) ?? '') === draft &&
    args.length > ending.length &&
    args.slice(-1 - ending.length, -1).join('\0') === ending.join('\0')
  for (const pid of await processes()) {
    const args = await argumentsOf(pid)
    if (!isWriter(args)) continue
    try {
      // ffmpeg was started as the leader of a process group.
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile, or belongs to another user.
    }
    for (let check = 0; isWriter(await argumentsOf(pid)); check += 1) {
      if (check === CHECKS) return false
      await setTimeout(CHECK_MS)
    }
    await rm(args.at(-1) ?? '', { force: true })
  }
  return true
}

/** The ids of all processes; none on a system without /proc. */
async function processes(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}

/** The command line of a process; empty if it has ended. */
async function argumentsOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.split('\0').slice(0, -1)
}
