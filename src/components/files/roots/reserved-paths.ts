// The server's own files, which no root serves: not by their paths, not through links, and not as hard links.
import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'
import { isWithin } from './path-lock.ts'

/** Milliseconds for which the list of the server's own files is used again. */
const MAX_AGE = 1000

/** A file or folder that no root serves. */
export interface ReservedPath {
  readonly path: string
  /** Its name in errors. */
  readonly name: string
  /** Whether its files are the server's own. In other folders, users may keep hard links to files of their own. */
  readonly isOwn?: boolean
}

/** Files by device and inode, with the names of their reserved paths. */
type Identities = ReadonlyMap<string, string>

export class ReservedPaths {
  readonly #declared: readonly ReservedPath[]
  /** The same with links resolved. */
  #resolved: readonly ReservedPath[]
  #identities: Promise<Identities> | null = null
  #readAt = Number.NEGATIVE_INFINITY

  constructor(declared: readonly ReservedPath[] = []) {
    this.#declared = declared
    this.#resolved = declared
  }

  /** Resolves the links in the paths. */
  async start(): Promise<void> {
    const resolved = this.#declared.map(async each => {
      const folder = await realpath(dirname(each.path)).catch(() => dirname(each.path))
      const target = await realpath(each.path).catch(() => each.path)
      return [join(folder, basename(each.path)), target].map(path => ({ ...each, path }))
    })
    this.#resolved = (await Promise.all(resolved)).flat()
  }

  /** The name of the reserved path that `real`, a path without links, is at or below; undefined for other paths. */
  nameOf(real: string): string | undefined {
    return this.#resolved.find(({ path }) => isWithin(real, path))?.name
  }

  /** Throws ApiError 403 if a reserved path is at or below `real`: clients can neither move nor remove it. */
  refuseBelow(real: string): void {
    const found = this.#resolved.find(({ path }) => isWithin(path, real))
    if (found !== undefined) throw new ApiError(403, `The folder holds the reserved path '${found.name}'`)
  }

  /** The name of the reserved path that has a hard link to the file with these `stats`; undefined for other files. */
  async nameOfHardLink({
    dev,
    ino,
    nlink,
  }: Pick<Stats, 'dev' | 'ino' | 'nlink'>): Promise<string | undefined> {
    if (nlink < 2) return undefined
    const now = performance.now()
    if (this.#identities === null || now - this.#readAt > MAX_AGE) {
      this.#readAt = now
      this.#identities = readIdentities(this.#resolved.filter(({ isOwn }) => isOwn === true))
    }
    return (await this.#identities).get(identityOf({ dev, ino }))
  }
}

async function readIdentities(reserved: readonly ReservedPath[]): Promise<Identities> {
  const identities = new Map<string, string>()
  for (const { path, name } of reserved) {
    for (const file of [path, ...(await filesBelow(path))]) {
      const stats = await stat(file).catch(() => undefined)
      if (stats?.isFile() === true) identities.set(identityOf(stats), name)
    }
  }
  return identities
}

async function filesBelow(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true }).catch(() => [])
  return names.map(name => join(path, name))
}

function identityOf({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`
}
