// The folders that are served, and the only way from a client's path to a place on the disk.
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'
import { HIDDEN_FOLDER } from './staging-folder.ts'
import { isWithin } from './tree-lock.ts'

/** Bounds of a client's path: each part costs time to look at. */
const MAX_PARTS = 100
const MAX_BYTES = 4000

/** A folder that is served under a name. */
export interface Root {
  readonly name: string
  /** As it is configured; it may be a link. */
  readonly path: string
  /** Whether clients may write here at present. */
  readonly writable: boolean
  /** Whether clients are told of what changes here: not of logs, which change all the time. */
  readonly observed?: boolean
  /** Whether the folder is Klipper's own, which is never written. */
  readonly klippers?: boolean
}

/** A place below a root that is safe to use. */
export interface Place {
  readonly root: Root
  /** Below the root, with `/` between the parts; '' for the root itself. Links in the folders above are followed. */
  readonly relative: string
  /** On the disk; a link at the very end is not followed. Renaming and deleting work on this. */
  readonly absolute: string
  /** On the disk, with all links followed. What the TreeLock is asked for. */
  readonly real: string
}

/** Paths that cannot be reached through any root, by what they are called in errors. */
export type ReservedPaths = ReadonlyMap<string, string>

export class Roots {
  readonly #roots = new Map<string, Root>()
  readonly #reserved: ReservedPaths
  /** The same with links followed. */
  #reservedReal: ReservedPaths

  constructor(reserved: ReservedPaths = new Map()) {
    this.#reserved = reserved
    this.#reservedReal = reserved
  }

  /** Follows the links in the reserved paths, once they exist. */
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

  /** Throws ApiError 400 for a name that is none. */
  get(name: string): Root {
    const root = this.#roots.get(name)
    if (root === undefined) throw new ApiError(400, `Invalid root path (${name})`)
    return root
  }

  /** Whether `real`, a path without links, is reserved or stands below something that is. */
  isReserved(real: string): boolean {
    return this.#reservedBy(real) !== undefined
  }

  #reservedBy(real: string): string | undefined {
    for (const [path, name] of this.#reservedReal) if (isWithin(real, path)) return name
    return undefined
  }

  /** Throws ApiError 403 where something reserved stands at or below `real`: it can be neither moved nor removed. */
  refuseReservedBelow(real: string): void {
    for (const [path, name] of this.#reservedReal) {
      if (isWithin(path, real)) throw new ApiError(403, `The folder holds the reserved path '${name}'`)
    }
  }

  /**
   * The place that a client's `path` means, which begins with the name of a root: `gcodes/folder/file.gcode`.
   * Throws as `resolve` does.
   */
  async locate(path: string): Promise<Place> {
    const [name = '', ...rest] = normalize(path)
    return this.resolve(this.get(name), rest.join('/'))
  }

  /**
   * The place that `path` means below `root`. Throws ApiError 400 for a path that leaves the root or is none,
   * 403 for reserved places, 404 where links lead out of the root or the root is not there.
   */
  async resolve(root: Root, path: string): Promise<Place> {
    const parts = splitPath(path)
    const top = await realpath(root.path).catch(() => {
      throw new ApiError(404, `The folder of root '${root.name}' is not there at present`)
    })
    const shown = [root.name, ...parts].join('/')
    const parent = parts.length === 0 ? top : await follow(join(top, ...parts.slice(0, -1)), shown)
    const absolute = parts.length === 0 ? top : join(parent, parts.at(-1) ?? '')
    const real = await follow(absolute, shown)
    if (!isWithin(absolute, top) || !isWithin(real, top)) throw notThere(shown)
    const reserved = this.#reservedBy(absolute) ?? this.#reservedBy(real)
    if (reserved !== undefined) {
      throw new ApiError(403, `Access to file ${basename(absolute)} forbidden by reserved path '${reserved}'`)
    }
    return { root, relative: absolute.slice(top.length).replace(/^\/+/, ''), absolute, real }
  }
}

/** What clients are told a root, or a part of it, permits. */
export function rootPermissions({ writable }: Root): 'rw' | 'r' {
  return writable ? 'rw' : 'r'
}

function notThere(shown: string): ApiError {
  return new ApiError(404, `File does not exist: ${shown}`)
}

/** A client's path in the form that is the same for all texts that mean the same, links apart. */
export function normalPath(path: string): string {
  return normalize(path).join('/')
}

/** The parts of a path, with `.` and `..` worked out as texts; a `..` that leads above the start stays. */
function normalize(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

/** The parts of a client's path; empty ones and `.` are left out. */
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
  if (parts.includes(HIDDEN_FOLDER)) {
    throw new ApiError(403, `Access to file ${parts.at(-1)} forbidden by reserved path '${HIDDEN_FOLDER}'`)
  }
  return parts
}

/**
 * Whether a part is `..`, or would be where somebody decoded it once or twice more, took backslashes for slashes, or
 * made plain signs of what only looks like them. To us these are names; nobody gives them to a file with good intent.
 */
function leadsUp(part: string): boolean {
  const plain = part
    .normalize('NFKC')
    .replace(/%25/g, '%')
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c|\\/gi, '/')
  return plain.split('/').includes('..')
}

/** How often a path is looked at again that comes and goes meanwhile: others rename files into place all the time. */
const LOOKS = 5

/** `path` with all links followed, as far as there is something; a link that leads nowhere is an error. */
async function follow(path: string, shown: string, looks = LOOKS): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENAMETOOLONG') throw new ApiError(400, 'The path is too long')
    if (code === 'EACCES') throw new ApiError(403, `Access to ${shown} is not permitted`)
    if (code !== 'ENOENT' || path === dirname(path)) throw notThere(shown)
    const found = await lstat(path).catch(() => undefined)
    if (found !== undefined) {
      if (found.isSymbolicLink() || looks === 1) throw notThere(shown)
      return follow(path, shown, looks - 1)
    }
    return join(await follow(dirname(path), shown), basename(path))
  }
}
