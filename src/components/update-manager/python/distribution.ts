// A Python package as it is installed in an environment: what pip has written about it (PEP 376 and 610).
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isPlainObject } from '../../../schema/index.ts'

/** Where a package came from. */
export type PackageSource =
  | { readonly kind: 'pip' }
  | { readonly kind: 'github'; readonly owner: string; readonly repo: string; readonly commit: string | null }
  /** `url` is what pip has written. */
  | { readonly kind: 'other'; readonly url: string }

/** An installed package. */
export interface Distribution {
  readonly version: string
  readonly source: PackageSource
  /** Of the file release_info that the package may contain; '' and null where it is not there. */
  readonly commit: string | null
  readonly changelogUrl: string
  readonly owner: string | null
  readonly repo: string | null
}

/** Reads the package; null if it is not installed. `virtualenv` is the folder of the environment. */
export async function readDistribution(virtualenv: string, project: string): Promise<Distribution | null> {
  for (const packages of await packageFolders(virtualenv)) {
    const folder = await findInfo(packages, project)
    if (folder === null) continue
    const metadata = (await textOf(join(folder, 'METADATA'))) ?? ''
    const version = /^Version: (\S+)\s*$/m.exec(metadata.split('\n\n', 1)[0] ?? '')?.[1]
    if (version === undefined) continue
    const source = sourceOf(await jsonOf(join(folder, 'direct_url.json')))
    return { version, source, ...(await releaseInfo(packages, folder)) }
  }
  return null
}

/** The folders site-packages; an environment may have one more of a Python that it had before. */
async function packageFolders(virtualenv: string): Promise<string[]> {
  const lib = join(virtualenv, 'lib')
  const pythons = await readdir(lib).catch(() => [])
  return pythons.filter(name => name.startsWith('python')).map(name => join(lib, name, 'site-packages'))
}

/** The folder NAME-VERSION.dist-info of a project. */
async function findInfo(packages: string, project: string): Promise<string | null> {
  const wanted = normalized(project)
  const names = await readdir(packages).catch(() => [])
  const found = names.find(name => {
    const [, given] = /^(.+)-[^-]+\.dist-info$/.exec(name) ?? []
    return given !== undefined && normalized(given) === wanted
  })
  return found === undefined ? null : join(packages, found)
}

/** Names that differ in case and separators are the same (PEP 503). */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

function sourceOf(direct: Record<string, unknown> | null): PackageSource {
  if (direct === null) return { kind: 'pip' }
  const url = String(direct.url)
  const { vcs, commit_id } = isPlainObject(direct.vcs_info) ? direct.vcs_info : {}
  const repository = vcs === 'git' ? githubRepository(url) : null
  if (repository === null) return { kind: 'other', url: JSON.stringify(direct) }
  return { kind: 'github', ...repository, commit: typeof commit_id === 'string' ? commit_id : null }
}

function githubRepository(url: string): { owner: string; repo: string } | null {
  const [, owner, repo] = /^https:\/\/github\.com\/([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/i.exec(url) ?? []
  return owner === undefined || repo === undefined ? null : { owner, repo }
}

/** Add-ons may pack a file release_info with what pip does not know. */
async function releaseInfo(packages: string, folder: string) {
  const record = (await textOf(join(folder, 'RECORD'))) ?? ''
  const names = record.split('\n').map(line => line.split(',', 1)[0]?.replaceAll('"', ''))
  const path = names.find(name => name?.endsWith('/release_info'))
  const info = path === undefined ? null : await jsonOf(resolve(packages, path))
  const { changelog, repository } = isPlainObject(info?.urls) ? info.urls : {}
  const { owner = null, repo = null } = githubRepository(String(repository)) ?? {}
  const commit = typeof info?.commit_sha === 'string' ? info.commit_sha : null
  return { commit, changelogUrl: typeof changelog === 'string' ? changelog : '', owner, repo }
}

async function jsonOf(path: string): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse((await textOf(path)) ?? '')
    return isPlainObject(value) ? value : null
  } catch {
    return null
  }
}

async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null)
}
