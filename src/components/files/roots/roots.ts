// The served folders, and the only way from a client's path to a path on the disk.
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'
import { isWithin } from './path-lock.ts'
import { STAGING_FOLDER } from './staging-folders.ts'

/** Limits of a client's path: each part costs a system call. */
const MAX_PARTS = 100
const MAX_BYTES = 4000

/** A folder that the server serves under a name. */
export interface Root {
  readonly name: string
  /** As configured; it may be a link. */
  readonly path: string
  /** Whether clients may write here now. */
  readonly writable: boolean
  /** Whether clients get notifications of changes: not for logs, which change all the time. */
  readonly observed?: boolean
  /** Whether the folder belongs to Klipper; the server never writes there. */
  readonly klippers?: boolean
}

/** A path below a root that was checked. */
export interface Place {
  readonly root: Root
  /** Below the root, with `/` between the parts; '' for the root itself. Links in the folders above are resolved. */
  readonly relative: string
  /** On the disk; a link in the last part is not resolved. For renaming and deleting. */
  readonly absolute: string
  /** On the disk, with all links resolved. For reading, writing and locking. */
  readonly real: string
}

/** Paths that no root serves, with their names in errors. */
export type ReservedPaths = ReadonlyMap<string, string>

export class Roots {
  readonly #roots = new Map<string, Root>()
  readonly #reserved: ReservedPaths
  /** The same with links resolved. */
  #reservedReal: ReservedPaths

  constructor(reserved: ReservedPaths = new Map()) {
    this.#reserved = reserved
    this.#reservedReal = reserved
  }

  /** Resolves the links in the reserved paths. */
  async start(): Promise<void> {
    const real = new Map<string, string>()
    for (const [path, name] of this.#reserved) {
      real.set(join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path)), name)
      real.set(await realpath(path).catch(() => path), name)
    }
    this.#reservedReal = real
  }

  /** Adds a root, or replaces the one of that name. */
  add(root: Root): void {
    this.#roots.set(root.name, root)
  }

  remove(name: string): void {
    this.#roots.delete(name)
  }

  names(): string[] {
    return [...this.#roots.keys()]
  }

  all(): Iterable<Root> {
    return this.#roots.values()
  }

  find(name: string): Root | undefined {
    return this.#roots.get(name)
  }

  /** Throws ApiError 400 for an unknown name. */
  get(name: string): Root {
    const root = this.#roots.get(name)
    if (root === undefined) throw new ApiError(400, `Invalid root path (${name})`)
    return root
  }

  /** Whether `real`, a path without links, is a reserved path or below one. */
  isReserved(real: string): boolean {
    return this.#reservedBy(real) !== undefined
  }

  #reservedBy(real: string): string | undefined {
    for (const [path, name] of this.#reservedReal) if (isWithin(real, path)) return name
    return undefined
  }

  /** Throws ApiError 403 if a reserved path is at or below `real`: clients can neither move nor remove it. */
  refuseReservedBelow(real: string): void {
    for (const [path, name] of this.#reservedReal) {
      if (isWithin(path, real)) throw new ApiError(403, `The folder holds the reserved path '${name}'`)
    }
  }

  /**
   * Resolves a client's path that starts with the name of a root: `gcodes/folder/file.gcode`.
   * Throws as `resolve` does.
   */
  async locate(path: string): Promise<Place> {
    const [name = '', ...rest] = normalize(path)
    return this.resolve(this.get(name), rest.join('/'))
  }

  /**
   * Resolves `path` below `root`. Throws ApiError 400 for a path that leaves the root or is invalid, 403 for a reserved
   * path, 404 if links lead out of the root or the root's folder is missing.
   */
  async resolve(root: Root, path: string): Promise<Place> {
    const parts = splitPath(path)
    const top = await realpath(root.path).catch(() => {
      throw new ApiError(404, `The folder of root '${root.name}' is missing`)
    })
    const shown = [root.name, ...parts].join('/')
    const parent = parts.length === 0 ? top : await resolveLinks(join(top, ...parts.slice(0, -1)), shown)
    const absolute = parts.length === 0 ? top : join(parent, parts.at(-1) ?? '')
    const real = await resolveLinks(absolute, shown)
    if (!isWithin(absolute, top) || !isWithin(real, top)) throw notFound(shown)
    const reserved = this.#reservedBy(absolute) ?? this.#reservedBy(real)
    if (reserved !== undefined) {
      throw new ApiError(403, `Access to file ${basename(absolute)} forbidden by reserved path '${reserved}'`)
    }
    return { root, relative: absolute.slice(top.length).replace(/^\/+/, ''), absolute, real }
  }
}

/** The permissions of a root as clients get them. */
export function rootPermissions({ writable }: Root): 'rw' | 'r' {
  return writable ? 'rw' : 'r'
}

function notFound(shown: string): ApiError {
  return new ApiError(404, `File does not exist: ${shown}`)
}

/** A normal form of a client's path: the same for all spellings, links not resolved. */
export function normalPath(path: string): string {
  return normalize(path).join('/')
}

/** The parts of a path without `.` and `..`; a `..` that leads above the first part stays. */
function normalize(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

/** The parts of a client's path without empty ones and `.`. */
function splitPath(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (parts.length > MAX_PARTS || Buffer.byteLength(path) > MAX_BYTES) {
    throw new ApiError(400, `The path is too long: at most ${MAX_PARTS} parts and ${MAX_BYTES} bytes`)
  }
  for (const part of parts) {
    if (leadsUp(part) || part.includes('\0') || Buffer.byteLength(part) > 255) {
      throw new ApiError(400, 'The path leaves the folder or has a part that no file can have')
    }
  }
  if (parts.includes(STAGING_FOLDER)) {
    throw new ApiError(403, `Access to file ${parts.at(-1)} forbidden by reserved path '${STAGING_FOLDER}'`)
  }
  return parts
}

/**
 * Whether a part is `..`, or becomes `..` when a program decodes it once or twice more, reads backslashes as slashes, or
 * normalises Unicode look-alikes. These are valid names, but only attackers use them.
 */
function leadsUp(part: string): boolean {
  const plain = part
    .normalize('NFKC')
    .replace(/%25/g, '%')
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c|\\/gi, '/')
  return plain.split('/').includes('..')
}

/** Attempts to resolve a path while another program makes and removes it. */
const ATTEMPTS = 5

/** Resolves the links in `path`; parts at the end may be missing. A link to a missing file is an error. */
async function resolveLinks(path: string, shown: string, attempts = ATTEMPTS): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENAMETOOLONG') throw new ApiError(400, 'The path is too long')
    if (code === 'EACCES') throw new ApiError(403, `Access to ${shown} is not permitted`)
    if (code !== 'ENOENT' || path === dirname(path)) throw notFound(shown)
    const found = await lstat(path).catch(() => undefined)
    if (found !== undefined) {
      if (found.isSymbolicLink() || attempts === 1) throw notFound(shown)
      return resolveLinks(path, shown, attempts - 1)
    }
    return join(await resolveLinks(dirname(path), shown), basename(path))
  }
}
