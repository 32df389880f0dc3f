// The commits that an update would add, with their tags.

import type { Commit as CommitSchema } from '../../../api/update-manager.ts'
import type { Infer } from '../../../schema/index.ts'
import type { Git } from './git.ts'

export type Commit = Infer<typeof CommitSchema>

/** A tag of the repository, and its commit. */
export interface Tag {
  readonly name: string
  readonly commit: string
}

/** Commits that are read. */
const MAX_COMMITS = 100
/** Commits that are listed without a tag. */
const MAX_UNTAGGED = 30
/** Characters of a message. */
const MAX_MESSAGE = 4000

const FIELD = '\x1d'
const RECORD = '\x1e'
const LOG = `--format=%H%x1d%an%x1d%ct%x1d%s%x1d%b%x1e`
const TAG =
  '--format=%(if)%(*objecttype)%(then)%(*objecttype) %(*objectname)%(else)%(objecttype) %(objectname)%(end) %(refname:strip=2)'

/** The tags from HEAD to `upstream`, newest first. Rejects with GitError. */
export async function readTags(git: Git, upstream: string, signal: AbortSignal): Promise<Tag[]> {
  const args = ['for-each-ref', `--count=${MAX_COMMITS}`, '--sort=-creatordate', '--contains=HEAD']
  const output = await git.text([...args, `--merged=${upstream}`, TAG, 'refs/tags'], signal)
  return output.split('\n').flatMap(line => {
    const [, commit, name] = /^commit ([0-9a-f]+) (.+)$/.exec(line) ?? []
    return commit === undefined || name === undefined ? [] : [{ name, commit }]
  })
}

/** The commits from `from` to `to`, newest first: the first 30, and those of the first 100 with a tag. */
export async function readCommits(
  git: Git,
  [from, to]: readonly [string, string],
  tags: readonly Tag[],
  signal: AbortSignal,
): Promise<Commit[]> {
  const output = await git.text(['log', `${from}..${to}`, LOG, `--max-count=${MAX_COMMITS}`], signal)
  const tagOf = new Map(tags.map(({ name, commit }) => [commit, name]))
  const all = output
    .split(RECORD)
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => commitOf(text, tagOf))
  return all.filter(({ tag }, index) => index < MAX_UNTAGGED || tag !== null)
}

function commitOf(text: string, tagOf: ReadonlyMap<string, string>): Commit {
  const [sha = '', author = '', date = '', subject = '', message = ''] = text.split(FIELD)
  return {
    sha,
    author,
    date,
    subject,
    message: message.trim().slice(0, MAX_MESSAGE),
    tag: tagOf.get(sha) ?? null,
  }
}
