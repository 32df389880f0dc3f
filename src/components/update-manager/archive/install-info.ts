// What an installation contains about itself: version and repository.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isPlainObject } from '../../../schema/index.ts'

/** The file that releases contain for updaters. */
export const RELEASE_INFO = 'release_info.json'

/** What is known about an installation. */
export interface InstallInfo {
  readonly version: string
  /** Of the repository; null for an installation that does not name it. */
  readonly owner: string | null
  readonly repo: string | null
  /** The asset of a release to install; null for the first one. */
  readonly assetName: string | null
}

const MAX_BYTES = 64 * 1024
const MAX_VERSION = 100
/** The front-ends whose releases have no release_info.json, by the name in their manifest. */
const FRONT_ENDS: Readonly<Record<string, readonly [owner: string, repo: string]>> = {
  mainsail: ['mainsail-crew', 'mainsail'],
  fluidd: ['fluidd-core', 'fluidd'],
}

/** Reads the info of the installation at `folder`; null for an installation without info. Front-ends may have a manifest instead. */
export async function readInstallInfo(folder: string, isFrontEnd: boolean): Promise<InstallInfo | null> {
  const text = await readText(join(folder, RELEASE_INFO))
  if (text !== null) return parseReleaseInfo(text)
  return isFrontEnd ? readManifest(folder) : null
}

function parseReleaseInfo(text: string): InstallInfo | null {
  const info = parseObject(text)
  const { project_name: repo, project_owner: owner, version, asset_name: assetName } = info ?? {}
  if (typeof repo !== 'string' || typeof owner !== 'string' || typeof version !== 'string') return null
  return { version, owner, repo, assetName: typeof assetName === 'string' ? assetName : null }
}

async function readManifest(folder: string): Promise<InstallInfo | null> {
  const version = (await readText(join(folder, '.version')))?.trim() ?? ''
  if (version === '' || version.length > MAX_VERSION) return null
  for (const file of ['manifest.json', 'manifest.webmanifest']) {
    const name = parseObject((await readText(join(folder, file))) ?? '')?.name
    const [owner, repo] = FRONT_ENDS[String(name).toLowerCase()] ?? []
    if (owner !== undefined && repo !== undefined) return { version, owner, repo, assetName: null }
  }
  return { version, owner: null, repo: null, assetName: null }
}

/** The content of release_info.json for another version; other fields stay. Null if the file cannot be read. */
export async function releaseInfoOf(folder: string, version: string): Promise<string | null> {
  const info = parseObject((await readText(join(folder, RELEASE_INFO))) ?? '')
  return info === null ? null : JSON.stringify({ ...info, version })
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isPlainObject(value) ? value : null
  } catch {
    return null
  }
}

/** Null for a file that is missing, unreadable or too long. */
async function readText(path: string): Promise<string | null> {
  try {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      return size > MAX_BYTES ? null : await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}
