// The state of an installation of the types web, zip and executable, as it is on the disk.
import { access, constants, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { readInstallInfo } from './install-info.ts'
import { exists } from './tree.ts'

/** The types that install assets of releases. */
export type ReleaseType = 'web' | 'zip' | 'executable'

/** What is configured about an installation. */
export interface Place {
  readonly type: ReleaseType
  /** As configured; for texts. */
  readonly path: string
  readonly owner: string
  readonly repo: string
}

/** An installation. */
export interface Installation {
  /** `?` if it is not known. */
  readonly version: string
  readonly owner: string
  readonly repo: string
  /** Null for the first asset. */
  readonly assetName: string | null
  /** Why it cannot be updated. */
  readonly warnings: readonly string[]
  readonly anomalies: readonly string[]
}

/** Reads what is at `place.path`. */
export async function readInstallation(place: Place): Promise<Installation> {
  const { type, path } = place
  const problems = await problemsOf(path)
  // What is in another repository belongs to that one.
  const info = problems.length > 0 ? null : await readInstallInfo(path, type === 'web')
  const isKnown = info?.owner != null && info.repo !== null
  if (isKnown && type === 'executable') problems.push(...(await executableProblems(path, info.assetName)))
  if (!isKnown || problems.length > 0) problems.push('Failed to validate installation')
  const { owner = null, repo = null } = info ?? {}
  return {
    version: info?.version ?? '?',
    owner: owner ?? place.owner,
    repo: repo ?? place.repo,
    assetName: info?.assetName ?? null,
    warnings: problems,
    anomalies: anomaliesOf(place, owner, repo),
  }
}

async function problemsOf(path: string): Promise<string[]> {
  const where = `Location at option 'path: ${path}'`
  const facts = await stat(path).catch(() => null)
  if (facts?.isDirectory() !== true) return [`${where} is not a directory.`]
  const problems = (await isWritable(path)) ? [] : [`${where} is not writable.`]
  const repository = await repositoryAround(path)
  if (repository !== null)
    problems.push(`${where} is within a git repo. Found .git folder at '${join(repository, '.git')}'`)
  return problems
}

async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The folder with `.git` around a path; some users keep their home folder in git. */
async function repositoryAround(path: string): Promise<string | null> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (folder !== homedir() && (await exists(join(folder, '.git')))) return folder
    if (folder === dirname(folder)) return null
  }
}

async function executableProblems(path: string, assetName: string | null): Promise<string[]> {
  if (assetName === null) return ["Executable types require the 'asset_name' field in release_info.json"]
  // A name with a slash would lead outside.
  const isThere = !assetName.includes('/') && (await exists(join(path, assetName)))
  return isThere ? [] : [`File ${assetName} not found in configured path for executable type`]
}

function anomaliesOf(place: Place, owner: string | null, repo: string | null): string[] {
  if (owner === null || repo === null) return []
  const configured = `${place.owner}/${place.repo}`
  const detected = `${owner}/${repo}`
  if (configured.toLowerCase() === detected.toLowerCase()) return []
  const text = `Value at option 'repo: ${configured}' does not match detected repo '${detected}'`
  return [`${text}, falling back to detected version.`]
}
