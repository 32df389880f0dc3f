// Which namespaces belong to the server. The original keeps such lists in the database, and so does what it takes over.
import { ApiError } from '../../core/errors.ts'
import type { Namespaces } from '../../storage/index.ts'

/** Clients may read these (API document, "Database APIs"), whether they are there or not. */
const PROTECTED = [
  'moonraker',
  'gcode_metadata',
  'history',
  'announcements',
  'update_manager',
  // Users stand in a table of their own; what is written here would look like one to older servers.
  'authorized_users',
] as const

/** Clients may not even read these: the store's own notes, and what may hold credentials. */
const FORBIDDEN = ['database', 'simplyprint'] as const

/** How a namespace is used. */
export type Use = 'read' | 'write'

/** The rules of a database: ours, and those that another server noted in it. */
export class NamespaceRules {
  readonly #protected: ReadonlySet<string>
  readonly #forbidden: ReadonlySet<string>

  constructor(namespaces: Namespaces) {
    const noted = (name: string) => {
      const list = namespaces.find('database', name)
      return Array.isArray(list) ? list.map(String) : []
    }
    this.#protected = new Set([...PROTECTED, ...noted('protected_namespaces')])
    this.#forbidden = new Set([...FORBIDDEN, ...noted('forbidden_namespaces')])
  }

  /** Whether clients may know of the namespace. */
  isVisible(namespace: string): boolean {
    return !this.#forbidden.has(namespace)
  }

  /** Throws ApiError 403 for what clients may not do. */
  check(namespace: string, use: Use): void {
    if (this.#forbidden.has(namespace)) {
      throw new ApiError(403, `Read/Write access to namespace '${namespace}' is forbidden`)
    }
    if (use === 'write' && this.#protected.has(namespace)) {
      throw new ApiError(403, `Write access to namespace '${namespace}' is forbidden`)
    }
  }
}
