// Resolves the links in paths, and translates the result to a path below a root where a link leads out of it.
import { basename, dirname, join } from 'node:path'
import { ApiError } from '../../../core/errors.ts'
import { below } from '../tree/folder-node.ts'
import type { DiskCalls } from './disk-calls.ts'
import { isWithin, pathBelow } from './path-lock.ts'
import { asMissing } from './remote-disks.ts'

/** Attempts to resolve a path while another program makes and removes it. */
const ATTEMPTS = 5

/**
 * Resolves the links in `path`; parts at the end may be missing. Throws ApiError 404 for a link to a missing file, and
 * for a path through a file; 403 for a folder that may not be read. Errors name the path as `shown`.
 */
export async function resolveLinks(
  path: string,
  shown: string,
  calls: DiskCalls,
  attempts = ATTEMPTS,
): Promise<string> {
  try {
    return await calls.realpath(path)
  } catch (error) {
    asMissing(error)
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENAMETOOLONG') throw new ApiError(400, 'The path is too long')
    if (code === 'EACCES') throw new ApiError(403, `Access to ${shown} is not permitted`)
    if (code !== 'ENOENT' || path === dirname(path)) throw notFound(shown)
    const found = await calls.lstat(path).catch(asMissing)
    if (found !== undefined) {
      if (found.isSymbolicLink() || attempts === 1) throw notFound(shown)
      return resolveLinks(path, shown, calls, attempts - 1)
    }
    return join(await resolveLinks(dirname(path), shown, calls), basename(path))
  }
}

/** A folder that a root contains: its own, or the target of a link. */
interface Base {
  /** On the disk, without links. */
  readonly real: string
  /** Below the root. */
  readonly path: string
}

/** A path below a root, with its links resolved as far as their targets have a path below the root themselves. */
export interface WalkedPath {
  readonly path: string
  /** Whether the last part is a link to something that has no other path below the root. */
  readonly endsInLink: boolean
}

/**
 * Walks `parts` from `top`, a folder without links, and resolves the links on the way. A link to something inside the
 * root gives the path of its target; a link out of the root gives its own path. Parts at the end may be missing.
 */
export async function walkLinks(
  top: string,
  parts: readonly string[],
  calls: DiskCalls,
): Promise<WalkedPath> {
  const bases: Base[] = [{ real: top, path: '' }]
  let real = top
  let path = ''
  let endsInLink = false
  for (const part of parts) {
    const next = join(real, part)
    const target = (await calls.realpath(next).catch(asMissing)) ?? next
    const base = target === next ? undefined : bases.findLast(each => isWithin(target, each.real))
    endsInLink = target !== next && base === undefined
    path = base === undefined ? below(path, part) : join(base.path, pathBelow(base.real, target))
    if (endsInLink) bases.push({ real: target, path })
    real = target
  }
  return { path, endsInLink }
}

/** The error for a file that does not exist, or that no root serves. */
export function notFound(shown: string): ApiError {
  return new ApiError(404, `File does not exist: ${shown}`)
}
