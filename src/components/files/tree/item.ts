// Files and folders as clients are told of them.

import type { Root } from '../roots/roots.ts'
import type { Facts, Permissions } from './folder-node.ts'

/** What a reply or notification says of the thing that it is about. */
export interface Item {
  readonly path: string
  readonly root: string
  /** Seconds since the epoch. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
  readonly permissions: Permissions
}

/** The rights that clients have on a thing in `root`. */
export function permissionsIn({ writable }: Root, { permissions }: Facts): Permissions {
  return permissions === 'rw' && !writable ? 'r' : permissions
}

/** The item for what stands at `path`. */
export function itemOf(root: Root, path: string, facts: Facts): Item {
  const { modified, size } = facts
  return { path, root: root.name, modified, size, permissions: permissionsIn(root, facts) }
}

/** The item for what is gone. */
export function goneItem(root: Root, path: string): Item {
  return { path, root: root.name, modified: 0, size: 0, permissions: '' }
}
