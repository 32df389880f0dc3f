// Git repositories for tests of updates: remotes and clones in many states, in one folder. Commits have fixed dates, so
// their hashes are the same in each run.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@test',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@test',
}
/** The time of the first commit, in seconds since the epoch. */
const START = 1_700_000_000

export class GitRepos implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'repos '))
  #time = START

  /** Runs git in a repository of the folder; the output without the line end. */
  git(repo: string, ...args: string[]): string {
    return this.gitWith(repo, {}, ...args)
  }

  gitWith(repo: string, env: Readonly<Record<string, string>>, ...args: string[]): string {
    const date = `${this.#time} +0000`
    const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date }
    const settings = [
      '-c',
      'protocol.file.allow=always',
      '-c',
      'gc.auto=0',
      '-c',
      'init.defaultBranch=master',
    ]
    return execFileSync('git', ['-C', this.path(repo), ...settings, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...IDENTITY, ...dates, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trimEnd()
  }

  /** The absolute path of a repository, or of a file in it. */
  path(repo: string, ...parts: string[]): string {
    return join(this.folder, repo, ...parts)
  }

  write(repo: string, file: string, content: string): void {
    mkdirSync(dirname(this.path(repo, file)), { recursive: true })
    writeFileSync(this.path(repo, file), content)
  }

  read(repo: string, file: string): string {
    return readFileSync(this.path(repo, file), 'utf8')
  }

  /** A new repository without commits. */
  create(repo: string, branch = 'master'): void {
    mkdirSync(this.path(repo))
    this.git(repo, 'init', '--quiet', '--initial-branch', branch)
  }

  /** Commits all files, with a line that is added to file.txt. Each commit is a minute after the one before. */
  commit(repo: string, subject: string, body = ''): string {
    this.#time += 60
    writeFileSync(this.path(repo, 'file.txt'), `${subject}\n`, { flag: 'a' })
    this.git(repo, 'add', '--all')
    this.git(repo, 'commit', '--quiet', '-m', subject, ...(body === '' ? [] : ['-m', body]))
    return this.git(repo, 'rev-parse', 'HEAD')
  }

  /** A tag with a message where `annotated`. */
  tag(repo: string, name: string, annotated = false): void {
    this.#time += 60
    this.git(repo, 'tag', ...(annotated ? ['--annotate', '-m', name] : []), name)
  }

  /** A bare copy of a repository, for clones. */
  publish(repo: string, remote: string): void {
    mkdirSync(dirname(this.path(remote)), { recursive: true })
    this.git('.', 'clone', '--quiet', '--bare', this.path(repo), this.path(remote))
    this.git(remote, 'config', 'uploadpack.allowFilter', 'true')
    this.git(remote, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
  }

  /** A clone of a remote, reset to `commit`. */
  clone(remote: string, repo: string, commit?: string, ...options: string[]): void {
    const from = options.length === 0 ? this.path(remote) : `file://${this.path(remote)}`
    this.git('.', 'clone', '--quiet', '--no-hardlinks', ...options, from, this.path(repo))
    if (commit !== undefined) this.git(repo, 'reset', '--quiet', '--hard', commit)
  }

  /** Replaces the content of an object by `content`; all objects are loose after it. */
  damage(repo: string, revision: string, content: string): void {
    const object = this.git(repo, 'rev-parse', revision)
    const packs = this.path(repo, '.git/objects/pack')
    for (const name of readdirSync(packs).filter(file => file.endsWith('.pack'))) {
      const pack = readFileSync(join(packs, name))
      for (const file of readdirSync(packs)) rmSync(join(packs, file), { force: true })
      execFileSync('git', ['-C', this.path(repo), 'unpack-objects', '-q'], { input: pack, stdio: 'pipe' })
    }
    const file = this.path(repo, '.git/objects', object.slice(0, 2), object.slice(2))
    rmSync(file)
    writeFileSync(file, content)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The number of commits of `publishApp`. */
export const APP_COMMITS = 140

const APP_TAGS: Readonly<Record<number, readonly [name: string, annotated: boolean]>> = {
  10: ['v1.0.0', true],
  20: ['v1.1.0', false],
  30: ['v1.2.0a1', true],
  40: ['v1.2.0b1', false],
  50: ['v1.2.0rc1', false],
  60: ['v1.2.0', true],
  65: ['not-a-version', false],
  80: ['v2.0.0-beta.1', true],
  100: ['v1.3.0', false],
  130: ['v2.0.0-alpha.3', true],
}

/**
 * An application with 140 commits, versions, and a branch `feature` five commits before the end; its remote is `app.git`.
 * Resolves the commit of a number. Written with fast-import, since 140 commits one by one take seconds.
 */
export function publishApp(repos: GitRepos): (number: number) => string {
  const lines: string[] = []
  const data = (text: string) => [`data ${Buffer.byteLength(text)}`, text]
  let content = ''
  for (let number = 1; number <= APP_COMMITS; number += 1) {
    content += `commit number ${number}\n`
    const time = `Ann <ann@test> ${START + number * 60} +0000`
    lines.push('commit refs/heads/master', `mark :${number}`, `author ${time}`, `committer ${time}`)
    lines.push(...data(`commit number ${number}\n\nBody line one of ${number}\nline two: with colon\n`))
    lines.push('M 644 inline file.txt', ...data(content))
    if (number === 1) {
      lines.push('M 644 inline src/main.py', ...data('print(1)\n'), 'M 644 inline other.txt', ...data('x\n'))
    }
    const [name, annotated] = APP_TAGS[number] ?? []
    if (name === undefined) continue
    if (annotated) lines.push(`tag ${name}`, `from :${number}`, `tagger ${time}`, ...data(`${name}\n`))
    else lines.push(`reset refs/tags/${name}`, `from :${number}`)
  }
  lines.push('reset refs/heads/feature', `from :${APP_COMMITS - 5}`, '')
  mkdirSync(repos.path('app.git'))
  repos.git('app.git', 'init', '--quiet', '--bare')
  const input = lines.join('\n')
  execFileSync('git', ['-C', repos.path('app.git'), 'fast-import', '--quiet'], { input, stdio: 'pipe' })
  for (const name of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant'])
    repos.git('app.git', 'config', name, 'true')
  const all = repos.git('app.git', 'rev-list', '--reverse', 'master').split('\n')
  return number => all[number - 1] as string
}
