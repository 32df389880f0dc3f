// Files and folders as replies and notifications describe them.
import type { Root } from '../roots/roots.ts'
import type { Facts, Permissions } from './folder-node.ts'

/** The file or folder that a reply or notification is about. */
export interface Item {
  readonly path: string
  readonly root: string
  /** Seconds since the epoch. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
  readonly permissions: Permissions
}

/** The permissions that clients have on a file or folder in `root`. */
export function permissionsIn({ writable }: Root, { permissions }: Facts): Permissions {
  return permissions === 'rw' && !writable ? 'r' : permissions
}

/** The item for an existing file or folder. */
export function itemOf(root: Root, path: string, facts: Facts): Item {
  const { modified, size } = facts
  return { path, root: root.name, modified, size, permissions: permissionsIn(root, facts) }
}

/** The item for a file or folder that was removed. */
export function goneItem(root: Root, path: string): Item {
  return { path, root: root.name, modified: 0, size: 0, permissions: '' }
}
