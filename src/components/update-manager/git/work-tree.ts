// The state of the work tree: branch, commit, changed files, untracked files.
import type { Git } from './git.ts'

/** What `git status` reports. */
export interface WorkTree {
  /** Null while HEAD is detached. */
  readonly branch: string | null
  /** Null before the first commit. */
  readonly head: string | null
  /** Paths of tracked files that differ from HEAD. */
  readonly changed: readonly string[]
  readonly untracked: readonly string[]
}

/** Changes in the files of a submodule: git would run the programs that its configuration names; no update touches them. */
export const IN_SUBMODULES = '--ignore-submodules=dirty'

const HEAD = /^# branch\.oid ([0-9a-f]+)$/
const BRANCH = /^# branch\.head (.*)$/

/** Reads it, without a lock. Rejects with GitError. */
export async function readWorkTree(git: Git, signal: AbortSignal): Promise<WorkTree> {
  const output = await git.text(
    ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=all', IN_SUBMODULES],
    signal,
  )
  let branch: string | null = null
  let head: string | null = null
  const changed: string[] = []
  const untracked: string[] = []
  const entries = output.split('\0')
  for (let at = 0; at < entries.length; at += 1) {
    const entry = entries[at] as string
    head = HEAD.exec(entry)?.[1] ?? head
    branch = BRANCH.exec(entry)?.[1] ?? branch
    if (entry.startsWith('? ')) untracked.push(entry.slice(2))
    const fields = FIELDS[entry.slice(0, 2)]
    if (fields !== undefined) changed.push(pathAfter(entry, fields))
    // The previous path of a renamed file is an entry of its own.
    if (entry.startsWith('2 ')) at += 1
  }
  return { branch: branch === '(detached)' ? null : branch, head, changed, untracked }
}

/** The number of fields before the path, by the kind of entry: changed, renamed, in conflict. */
const FIELDS: Readonly<Record<string, number>> = { '1 ': 8, '2 ': 9, 'u ': 10 }

function pathAfter(entry: string, fields: number): string {
  return entry.split(' ').slice(fields).join(' ')
}

const SOURCE = /\.(?:py|c|cpp)$/

/** The untracked files that are source code. */
export function sourceFiles({ untracked }: WorkTree): string[] {
  return untracked.filter(path => SOURCE.test(path))
}
