// Reads which packages an installation needs: the files that applications bring for that.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isPlainObject } from '../../../schema/index.ts'
import { readDistribution } from './distribution.ts'
import { fits } from './package-condition.ts'

/** What an installation needs at one moment. */
export interface Requirements {
  /** Lines of the requirements file. */
  readonly python: ReadonlySet<string>
  /** Names of system packages. */
  readonly system: ReadonlySet<string>
  /** Of package-lock.json; null where it does not exist. */
  readonly nodeHash: string | null
}

/** The files with the packages; null where the application has none. */
export interface RequirementFiles {
  /** The folder of the application; the other paths are relative to it. */
  readonly path: string
  readonly python: string | null
  /** JSON: the packages by distribution. */
  readonly system: string | null
  /** A script with lines `PKGLIST="…"`. */
  readonly script: string | null
  readonly node: boolean
}

/** A longer file is not read: an application cannot fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024

/** Reads the files. A missing file needs nothing. */
export async function readRequirements(files: RequirementFiles): Promise<Requirements> {
  const { path, python, system, script, node } = files
  return {
    python: new Set(python === null ? [] : pythonLines(await textOf(path, python))),
    system: new Set(await systemPackages(path, { system, script })),
    nodeHash: node ? await nodeHash(join(path, 'package-lock.json')) : null,
  }
}

async function textOf(path: string, file: string): Promise<string> {
  return (await contentOf(resolve(path, file)))?.toString() ?? ''
}

/** Null for what is missing, longer than MAX_BYTES, or not a file. */
async function contentOf(path: string): Promise<Buffer | null> {
  try {
    // A pipe would block.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await file.stat()
    return stats.isFile() && stats.size <= MAX_BYTES ? await file.readFile() : null
  } catch {
    return null
  }
}

/** Without comments and options. */
function pythonLines(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.replace(/ #.*$/, '').trim())
    .filter(line => line !== '' && !line.startsWith('#') && !line.startsWith('-'))
}

async function systemPackages(
  path: string,
  { system, script }: Pick<RequirementFiles, 'system' | 'script'>,
): Promise<string[]> {
  if (system !== null) return packagesOfJson(await textOf(path, system))
  return script === null ? [] : packagesOfScript(await textOf(path, script))
}

/** `{ "debian": ["libone", "libtwo; distro_version >= '12'"] }` */
async function packagesOfJson(text: string): Promise<string[]> {
  const parsed = parse(text)
  if (!isPlainObject(parsed)) return []
  const distribution = await readDistribution()
  const id = [distribution.id, ...distribution.likes].find(name => Array.isArray(parsed[name]))
  const entries: unknown[] = id === undefined ? [] : (parsed[id] as unknown[])
  return entries.flatMap(entry => {
    const [name = '', condition] = typeof entry === 'string' ? entry.split(';') : []
    return isPackageName(name.trim()) && fits(condition, distribution) ? [name.trim()] : []
  })
}

/** `PKGLIST="${PKGLIST} libone libtwo"` */
function packagesOfScript(text: string): string[] {
  const lists = [...text.matchAll(/^[ \t]*PKGLIST="([^"]*)"/gm)].map(([, list = '']) => list)
  return lists.flatMap(list => list.split(/\s+/)).filter(isPackageName)
}

/** Never an option of a program. */
function isPackageName(name: string): boolean {
  return /^[a-z0-9][a-z0-9+.:-]*$/i.test(name)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function nodeHash(file: string): Promise<string | null> {
  const content = await contentOf(file)
  if (content === null) return null
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(content).digest('hex')
}

/** As JSON, for a record that survives a crash. */
export function plainRequirements({ python, system, nodeHash }: Requirements) {
  return { python: [...python], system: [...system], nodeHash }
}

/** Reads `plainRequirements`; null for another value. */
export function readPlainRequirements(value: unknown): Requirements | null {
  if (!isPlainObject(value) || !Array.isArray(value.python) || !Array.isArray(value.system)) return null
  const { python, system, nodeHash } = value
  return {
    python: new Set(python.map(String)),
    system: new Set(system.map(String)),
    nodeHash: typeof nodeHash === 'string' ? nodeHash : null,
  }
}

/** What `after` needs that `before` did not; all of it if that is null. */
export function addedRequirements(before: Requirements | null, after: Requirements) {
  const added = (kind: 'python' | 'system') => [...after[kind]].filter(item => !before?.[kind].has(item))
  const isNodeNew = after.nodeHash !== null && after.nodeHash !== (before?.nodeHash ?? null)
  return { python: added('python'), system: added('system'), node: isNodeNew }
}
