// The configuration of a repository: its remotes, and which branch follows which remote.
import { trimEndOf } from '../../../core/trim-characters.ts'
import { type Git, GitError, outputOf } from './git.ts'

/** What the configuration contains, as written: without `insteadOf`. */
export class RepoConfig {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values
  }

  /** The names of the remotes. */
  get remotes(): string[] {
    return [...this.#values.keys()].flatMap(key => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? [])
  }

  /** The URL of a remote; null for an unknown remote. */
  url(remote: string): string | null {
    return this.#values.get(`remote.${remote}.url`) ?? null
  }

  /** The remote that a branch follows. */
  remoteOf(branch: string): string | null {
    return this.#values.get(`branch.${branch}.remote`) ?? null
  }
}

/**
 * Reads it; from `file`, which also works where git does not accept the folder as a repository. Rejects with GitError.
 */
export async function readConfig(git: Git, signal: AbortSignal, file?: string): Promise<RepoConfig> {
  const pattern = '^(remote\\..*\\.url|branch\\..*\\.remote)$'
  const source = file === undefined ? ['--local'] : ['--file', file]
  const args = ['config', ...source, '-z', '--get-regexp', pattern]
  const result = await git.run(args, signal)
  // Code 1: nothing found.
  if (result.code !== 0 && result.code !== 1) throw new GitError(args, outputOf(result))
  const values = new Map<string, string>()
  for (const entry of result.stdout.split('\0')) {
    const [key = '', ...value] = entry.split('\n')
    // The first URL of a remote is the one that git fetches from.
    if (!values.has(key)) values.set(key, value.join('\n'))
  }
  return new RepoConfig(values)
}

/** The part of a URL after the host. */
const OWNER = /^https?:\/\/[^/]+\/([^/]+)\//i

/** The owner of a repository; null for URLs that have none, such as those of ssh. */
export function ownerOf(url: string): string | null {
  return OWNER.exec(url)?.[1] ?? null
}

/** The name of a repository: the last part of its URL up to the first dot. */
export function repositoryOf(url: string): string {
  return trimEndOf(url, '/').split(/[/:]/).at(-1)?.split('.')[0] ?? ''
}

/** Whether two URLs name the same repository, with or without `.git`. */
export function isSameUrl(a: string, b: string): boolean {
  const plain = (url: string) => url.toLowerCase().replace(/\.git$/, '')
  return plain(a) === plain(b)
}

/** Without user and password, for clients. */
export function publicUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@(?=[^/])/i, '$1')
}
