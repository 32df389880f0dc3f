// The served folders, and the only way from a client's path to a path on the disk.
import { basename, join } from 'node:path'
import { type Clock, systemClock, withTimeout } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import { below } from '../tree/folder-node.ts'
import { normalParts, splitPath } from './client-path.ts'
import { type DiskCalls, diskCalls } from './disk-calls.ts'
import { isWithin, pathBelow } from './path-lock.ts'
import { ProtectedFolders } from './protected-folders.ts'
import { asMissing, RemoteDisks } from './remote-disks.ts'
import { ReservedPaths } from './reserved-paths.ts'
import { notFound, resolveLinks, walkLinks } from './resolve-links.ts'

/** Seconds that a request waits for the first check of a root's folder. */
const CHECK_TIMEOUT = 10

/** A folder that the server serves under a name. */
export interface Root {
  readonly name: string
  /** As configured; it may be a link. */
  readonly path: string
  /** Whether clients may write here now. */
  readonly writable: boolean
  /** The path without links, as it was at the last check; null if the folder was missing. */
  readonly real?: string | null
  /** Whether clients get notifications of changes: not for logs, which change all the time. */
  readonly observed?: boolean
  /** Whether the folder belongs to Klipper; the server never writes there. */
  readonly klippers?: boolean
}

/** A path below a root that was checked. */
export interface Place {
  readonly root: Root
  /**
   * Below the root, with `/` between the parts; '' for the root itself. Links in the folders above are resolved, as far
   * as they lead to other folders of the root.
   */
  readonly relative: string
  /** The same with a link in the last part resolved too: the path in the file index. */
  readonly indexPath: string
  /** On the disk; a link in the last part is not resolved. For renaming and deleting. */
  readonly absolute: string
  /** On the disk, with all links resolved. For reading, writing and locking. */
  readonly real: string
  /** Whether it is a link to a file outside of the root: clients can read the file, but not write it. */
  readonly isLinkedFile: boolean
}

/** What roots depend on. */
export interface RootsOptions {
  readonly reserved?: ReservedPaths
  /** Whether links may lead out of the roots. */
  readonly followLinks?: boolean
  readonly clock?: Clock
  /** Shared by all roots of the machine; by default these roots have their own. */
  readonly disks?: RemoteDisks
}

export class Roots {
  readonly reserved: ReservedPaths
  readonly protectedFolders = new ProtectedFolders()
  readonly followLinks: boolean
  readonly disks: RemoteDisks
  /** For all files and folders that may be in a root. */
  readonly calls: DiskCalls
  readonly #clock: Clock
  readonly #roots = new Map<string, Root>()
  /** The roots whose folders have not been checked yet. */
  readonly #unchecked = new Map<string, PromiseWithResolvers<void>>()

  constructor({
    reserved = new ReservedPaths(),
    followLinks = true,
    clock = systemClock,
    disks = new RemoteDisks(clock),
  }: RootsOptions = {}) {
    this.reserved = reserved
    this.followLinks = followLinks
    this.#clock = clock
    this.disks = disks
    this.calls = diskCalls(disks)
  }

  /** Adds a root, or replaces the one of that name. Requests for it wait until `update` was called. */
  add(root: Root): void {
    this.#roots.set(root.name, root)
    if (this.#unchecked.has(root.name)) return
    const check = Promise.withResolvers<void>()
    check.promise.catch(() => undefined)
    this.#unchecked.set(root.name, check)
  }

  /** Sets what the check of a root's folder has found. */
  update(root: Root): void {
    this.#roots.set(root.name, root)
    this.#unchecked.get(root.name)?.resolve()
    this.#unchecked.delete(root.name)
  }

  remove(name: string): void {
    this.#roots.delete(name)
    this.#unchecked.get(name)?.resolve()
    this.#unchecked.delete(name)
  }

  /** The server stops: requests that wait for a check of a folder are rejected. */
  stop(): void {
    for (const [name, { reject }] of this.#unchecked) {
      reject(new ApiError(503, `The server stops before the folder of root '${name}' was checked`))
    }
    this.#unchecked.clear()
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

  /**
   * The root as it is now, once its folder has been checked. Throws ApiError 503 if that takes too long, or the server stops
   * before.
   */
  async checked(root: Root): Promise<Root> {
    const unchecked = this.#unchecked.get(root.name)
    if (unchecked !== undefined) {
      await withTimeout(this.#clock, CHECK_TIMEOUT, unchecked.promise, () => {
        const message = `The folder of root '${root.name}' does not respond: ${root.path}`
        return new ApiError(503, message)
      })
    }
    return this.#roots.get(root.name) ?? root
  }

  /**
   * Resolves a client's path that starts with the name of a root: `gcodes/folder/file.gcode`.
   * Throws as `resolve` does.
   */
  async locate(path: string): Promise<Place> {
    const [name = '', ...rest] = normalParts(path)
    return this.resolve(this.get(name), rest.join('/'))
  }

  /**
   * Resolves `path` below `root`. Throws ApiError 400 for a path that leaves the root or is invalid, 403 for a reserved
   * path, 404 for a link to a missing file, for a link out of the root if these are not followed, and if the root's
   * folder is missing, 503 if the folder or a network disk does not respond.
   */
  async resolve(root: Root, path: string): Promise<Place> {
    const parts = splitPath(path)
    const checked = await this.checked(root)
    await this.disks.checkLinks(join(checked.path, ...parts))
    const { calls } = this
    const top = await calls.realpath(checked.path).catch(error => {
      asMissing(error)
      throw rootMissing(root)
    })
    // A file in its place; or the folder has come since the last check.
    if (checked.real === null && (await calls.find(top))?.isDirectory() !== true) throw rootMissing(root)
    const shown = [root.name, ...parts].join('/')
    const parent =
      parts.length === 0 ? top : await resolveLinks(join(top, ...parts.slice(0, -1)), shown, calls)
    const absolute = parts.length === 0 ? top : join(parent, parts.at(-1) ?? '')
    const real = await resolveLinks(absolute, shown, calls)
    await this.#refuseReserved(absolute, real)
    const place = { root: checked, absolute, real }
    if (isWithin(parent, top) && isWithin(real, top)) {
      const relative = pathBelow(top, absolute)
      return { ...place, relative, indexPath: pathBelow(top, real), isLinkedFile: false }
    }
    if (!this.followLinks) throw notFound(shown)
    return { ...place, ...(await outsidePaths(top, parts, real, calls)) }
  }

  async #refuseReserved(absolute: string, real: string): Promise<void> {
    const { reserved } = this
    const name = reserved.nameOf(absolute) ?? reserved.nameOf(real) ?? (await this.#hardLinkName(real))
    if (name === undefined) return
    throw new ApiError(403, `Access to file ${basename(absolute)} forbidden by reserved path '${name}'`)
  }

  async #hardLinkName(real: string): Promise<string | undefined> {
    const stats = await this.calls.find(real)
    return stats === undefined ? undefined : this.reserved.nameOfHardLink(stats)
  }
}

/** The paths below the root of something that a link outside of the root leads to. */
async function outsidePaths(
  top: string,
  parts: readonly string[],
  real: string,
  calls: DiskCalls,
): Promise<Pick<Place, 'relative' | 'indexPath' | 'isLinkedFile'>> {
  const parent = await walkLinks(top, parts.slice(0, -1), calls)
  const { path: indexPath, endsInLink } = await walkLinks(top, parts, calls)
  const isFile = endsInLink && (await calls.find(real))?.isDirectory() === false
  return { relative: below(parent.path, parts.at(-1) ?? ''), indexPath, isLinkedFile: isFile }
}

/** The path of a root's folder, without links once they are known: RemoteDisks knows the disk of such paths only. */
export function pathOfRoot({ real, path }: Root): string {
  return real ?? path
}

/** The error for a root whose folder does not exist now. */
export function rootMissing({ name }: Root): ApiError {
  return new ApiError(404, `The folder of root '${name}' is missing`)
}

/** The permissions of a root as clients get them. */
export function rootPermissions({ writable }: Pick<Root, 'writable'>): 'rw' | 'r' {
  return writable ? 'rw' : 'r'
}
