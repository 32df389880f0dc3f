// The one check before every write: the caller's role, and whether the path may be written at all.
import { basename } from 'node:path'
import type { Role } from '../../../api/endpoint.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Caller } from '../../../rpc/caller.ts'
import { demandRole } from '../../../rpc/user.ts'
import { normalParts } from './client-path.ts'
import { isWithin } from './path-lock.ts'
import { type Place, type Root, type Roots, rootMissing } from './roots.ts'

declare const isChecked: unique symbol

/** A path that passed the check. Everything that writes takes this type, which only `WriteAccess` creates. */
export interface WritablePlace extends Place {
  readonly [isChecked]: true
}

/** How a path is going to be written. */
export interface WriteRequest {
  /** `content`: makes or overwrites a file or folder. `entry`: removes or renames it, which does not change a link's target. */
  readonly change: 'content' | 'entry'
  /** The error for a root that is read-only. */
  readonly readOnly: (root: Root) => ApiError
}

export class WriteAccess {
  readonly #roots: Roots

  constructor(roots: Roots) {
    this.#roots = roots
  }

  /**
   * Checks what is known before the path is: throws ApiError 401 or 403 if the caller's role does not suffice, 404 if
   * the root's folder is missing, and `request.readOnly`.
   */
  checkRoot(caller: Pick<Caller, 'user'>, root: Root, { readOnly }: WriteRequest): void {
    demandRole(caller, roleFor(root))
    if (root.real === null) throw rootMissing(root)
    if (!root.writable) throw readOnly(root)
  }

  /** Resolves a client's path that starts with the name of a root, and checks it. Throws as `resolve` does. */
  async locate(caller: Pick<Caller, 'user'>, path: string, request: WriteRequest): Promise<WritablePlace> {
    demandRole(caller, 'operator')
    const [name = '', ...rest] = normalParts(path)
    return this.resolve(caller, this.#roots.get(name), rest.join('/'), request)
  }

  /**
   * Resolves `path` below `root` and checks it. Throws what `Roots.resolve` throws, ApiError 401 or 403 if the caller's
   * role does not suffice, 403 for a link to a file outside of the root and for a protected folder, and
   * `request.readOnly`.
   */
  async resolve(
    caller: Pick<Caller, 'user'>,
    root: Root,
    path: string,
    request: WriteRequest,
  ): Promise<WritablePlace> {
    demandRole(caller, roleFor(root))
    return this.check(caller, await this.#roots.resolve(root, path), request)
  }

  /** Checks a resolved path. A path that links put into several roots must be writable in each of them. */
  async check(caller: Pick<Caller, 'user'>, place: Place, request: WriteRequest): Promise<WritablePlace> {
    const { change } = request
    this.#refuseProtected(place, change)
    for (const root of [place.root, ...(await this.#rootsAt(place, change))]) {
      if (root.klippers === true) {
        const name = basename(place.absolute)
        throw new ApiError(403, `Access to file ${name} forbidden by reserved path 'klipper'`)
      }
      this.checkRoot(caller, root, request)
    }
    if (change === 'content' && place.isLinkedFile) {
      const { root, relative } = place
      throw new ApiError(403, `'${root.name}/${relative}' is a link out of the root: it can only be read`)
    }
    return place as WritablePlace
  }

  /** A link in the last part leads to what `content` changes; `entry` changes the link itself. */
  #refuseProtected({ absolute, real }: Place, change: WriteRequest['change']): void {
    const { protectedFolders } = this.#roots
    const found =
      change === 'content'
        ? protectedFolders.containing(real)
        : (protectedFolders.containing(absolute) ?? protectedFolders.below(absolute))
    if (found === undefined) return
    throw new ApiError(403, `Access to file ${basename(absolute)} forbidden by reserved path '${found.name}'`)
  }

  /** The roots that contain the path; for a path that is removed or renamed, also those in it. */
  async #rootsAt({ absolute, real }: Place, change: WriteRequest['change']): Promise<Root[]> {
    const roots = await Promise.all(
      [...this.#roots.all()].map(root => this.#roots.checked(root).catch(() => root)),
    )
    return roots.filter(({ path, real: top }) => {
      if (top === null) return false
      const folder = top ?? path
      const isInRoot = isWithin(absolute, folder) || isWithin(real, folder)
      return isInRoot || (change === 'entry' && isWithin(folder, absolute))
    })
  }
}

/** Only admins write the configuration. */
function roleFor({ name }: Root): Role {
  return name === 'config' ? 'admin' : 'operator'
}
