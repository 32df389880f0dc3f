// The recorded states of repositories, as the original server reported them. Nothing is compared where they are absent.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '../../../shared/spec/recordings/update/upd_git_states.jsonl')

type Status = Readonly<Record<string, unknown>>

/** The recorded repositories have other names and URLs. */
const NOT_COMPARED = ['name', 'owner', 'repo_name', 'remote_url', 'recovery_url', 'info_tags']

/** The recorded states by what they are, and the fields that are better than recorded. */
export const RECORDED: Readonly<
  Record<string, { readonly name: string; readonly improved?: readonly string[] }>
> = {
  'up to date': { name: 'uptodate' },
  'three commits behind': { name: 'behind3' },
  '45 commits behind': { name: 'behind45' },
  'on a release, with the channel dev': { name: 'dev60' },
  'another name of the remote, and no origin': { name: 'aliasnoorigin' },
  'another primary branch': { name: 'otherprimary' },
  // It lists added files.
  'staged files': { name: 'dirtystaged', improved: ['warnings'] },
  'before the first tag': { name: 'stable0' },
  'stable, a release is newer': { name: 'stable60' },
  'stable, on the newest release': { name: 'stable100' },
  'stable, after the newest release': { name: 'stable120' },
  'stable, on an alpha': { name: 'stablepre' },
  beta: { name: 'beta60' },
  'beta, the nearest tag is not a version': { name: 'beta75' },
  'pinned to a later commit': { name: 'pinahead' },
  'pinned to this commit': { name: 'pinsame' },
  'pinned to an earlier commit': { name: 'pinbehind' },
  'pinned to an unknown commit': { name: 'pinbad' },
  // It lists deleted files.
  'changed files': { name: 'dirty', improved: ['warnings'] },
  // It lists files in untracked folders, and those with special characters in their names.
  'untracked files': { name: 'untracked', improved: ['anomalies'] },
  'detached at a local commit': { name: 'detachedlocal' },
  'detached at a tag': { name: 'detachedtag' },
  'detached at the remote branch': { name: 'detachedremote' },
  'another branch': { name: 'wrongbranch' },
  'a branch without a remote': { name: 'nobranchremote' },
  'another official URL': { name: 'unofficial' },
  'without a remote': { name: 'noremote' },
  'another name of the remote': { name: 'remotealias' },
  'a remote that does not answer': { name: 'fetchfail' },
  // One command finds it out, and runs once.
  'a remote branch that is gone': { name: 'remotebranchgone', improved: ['git_messages'] },
  diverged: { name: 'diverged' },
  'local commits only': { name: 'ahead' },
  // It lists the files with conflicts.
  'a merge with conflicts': { name: 'mergeconflict', improved: ['warnings'] },
  'an unfinished rebase': { name: 'rebasing' },
  'an empty commit object': { name: 'corruptempty' },
  'a damaged commit object': { name: 'corruptgarbage' },
  'a damaged tree object': { name: 'corrupttree' },
  'a damaged object of an old commit': { name: 'corruptunrelated' },
  'a broken HEAD': { name: 'badhead' },
  'without references': { name: 'norefs' },
}

/** The tests that compare further recorded repositories, by what is compared. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'git-states.test.ts': 'emptydir notrepo badgitfile',
  'git-status.test.ts': 'nocommits shallow notags notagsdirty oddtags wtmain worktree behind120',
  'moved-repo.test.ts': 'moved movedno',
  'recordings/update-extra.test.ts': 'klipper moonraker',
  // Their repositories are up to date; the names of the sections and services are what is special.
  'recordings/update-sections.test.ts': 'nosvc badsvc',
  'sections.test.ts': 'legacy',
}

function readStates(): Readonly<Record<string, Status>> {
  if (!existsSync(FILE)) return {}
  const lines = readFileSync(FILE, 'utf8').trim().split('\n')
  const all = lines.map(line => JSON.parse(line)).find(({ name }) => name === 'status_all')
  return all.response.result.version_info
}

const states = readStates()

/** The recorded repositories that no test compares. */
export function notCompared(): string[] {
  const here = Object.values(RECORDED).map(({ name }) => name)
  const compared = new Set([...here, ...Object.values(ELSEWHERE).flatMap(names => names.split(' '))])
  return Object.keys(states).filter(name => !compared.has(name))
}

/** Hashes, times and URLs of a status as placeholders. */
function comparable(status: Status, names: readonly string[]): unknown {
  const fields = Object.fromEntries(names.map(name => [name, status[name]]))
  const text = JSON.stringify(fields)
    .replaceAll(/"date":"\d+"/g, '"date":"TIME"')
    .replaceAll(/objects\/[0-9a-f]{2}\//g, 'objects/')
    .replaceAll(/g?[0-9a-f]{7,40}(?![0-9a-f])/g, 'HASH')
    .replaceAll(
      /fatal: (?:repository )?'[^']*gone.git\/?' (?:not found|does not appear[^"]*)/g,
      'fatal: no remote',
    )
    .replaceAll(/Unofficial remote url: [^"]*/g, 'Unofficial remote url: URL')
  return JSON.parse(text)
}

/** Compares a status with the recorded one of that name, except for the fields that are better now. */
export function assertAsRecorded(name: string, status: Status, improved: readonly string[] = []): void {
  const recorded = states[name]
  if (recorded !== undefined) assertSameState(status, recorded, improved)
}

/** Compares a status of a repository with a recorded one, except for the fields that are better now. */
export function assertSameState(status: Status, recorded: Status, improved: readonly string[] = []): void {
  const names = Object.keys(recorded).filter(
    field => !NOT_COMPARED.includes(field) && !improved.includes(field),
  )
  assert.deepEqual(
    comparable(status, names),
    comparable(recorded, names),
    `as recorded: ${String(recorded.name)}`,
  )
  for (const field of improved)
    assert.notDeepEqual(comparable(status, [field]), comparable(recorded, [field]), `${field} is as recorded`)
}
