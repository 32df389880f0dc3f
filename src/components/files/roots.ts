// The folders that are served, and the only way from a client's path to a place on the disk.
import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { ApiError } from '../../core/errors.ts'

/** A folder that is served under a name. */
export interface Root {
  readonly name: string
  readonly path: string
  readonly writable: boolean
}

/** A place below a root that is safe to use. */
export interface Place {
  readonly root: Root
  /** Below the root, with `/` between the parts; '' for the root itself. */
  readonly relative: string
  /** On the disk. */
  readonly absolute: string
}

export class Roots {
  readonly #roots = new Map<string, Root>()

  add(root: Root): void {
    this.#roots.set(root.name, root)
  }

  names(): string[] {
    return [...this.#roots.keys()]
  }

  all(): Iterable<Root> {
    return this.#roots.values()
  }

  /** Throws ApiError 400 for a name that is none. */
  get(name: string): Root {
    const root = this.#roots.get(name)
    if (root === undefined) throw new ApiError(400, `Invalid root path (${name}), no such root is served`)
    return root
  }

  /**
   * The place that `path` means below `root`. Throws ApiError 400 for a path that leaves the root or is none,
   * 404 where links lead out of it.
   */
  async resolve(root: Root, path: string): Promise<Place> {
    const parts = splitPath(path)
    const absolute = join(root.path, ...parts)
    const existing = await realPathOfExisting(absolute)
    const base = await realpath(root.path)
    if (existing !== base && !existing.startsWith(base + sep)) {
      throw new ApiError(404, `File does not exist: ${parts.join('/')}`)
    }
    return { root, relative: parts.join('/'), absolute }
  }
}

/** The parts of a client's path; empty ones and `.` are left out. */
function splitPath(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  for (const part of parts) {
    if (part === '..' || part.includes('\0') || Buffer.byteLength(part) > 255) {
      throw new ApiError(400, 'The path leaves the folder or has a part that no file can have')
    }
  }
  return parts
}

/** The real path of the nearest thing that exists at or above `path`. */
async function realPathOfExisting(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const parent = join(path, '..')
    if (code !== 'ENOENT' || parent === path) throw new ApiError(404, 'File does not exist')
    return realPathOfExisting(parent)
  }
}
