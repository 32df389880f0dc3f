// The namespaces of the server. Moonraker stores such lists in the database; this server applies them too.
import { ApiError } from '../../core/errors.ts'
import type { Caller } from '../../rpc/caller.ts'
import { demandRole } from '../../rpc/user.ts'
import type { Namespaces } from '../../storage/index.ts'

/** Clients may only read these (API document, "Database APIs"). */
const PROTECTED = [
  'moonraker',
  'gcode_metadata',
  'gcode_details',
  'history',
  'announcements',
  'update_manager',
  // Users have their own table; older servers would take an item in this namespace for a user.
  'authorized_users',
] as const

/** Clients may not even read these: the store's own records, and possible credentials. */
const FORBIDDEN = ['database', 'simplyprint'] as const

/** Only admins write these, since they contain settings that only admins may change. */
const ADMINS_ONLY: ReadonlySet<string> = new Set(['timelapse'])

/** The rules of a database: the ones above, and those that another server stored in it. */
export class NamespaceRules {
  readonly #protected: ReadonlySet<string>
  readonly #forbidden: ReadonlySet<string>

  constructor(namespaces: Namespaces) {
    const stored = (name: string) => {
      const list = namespaces.find('database', name)
      return Array.isArray(list) ? list.map(String) : []
    }
    this.#protected = new Set([...PROTECTED, ...stored('protected_namespaces')])
    this.#forbidden = new Set([...FORBIDDEN, ...stored('forbidden_namespaces')])
  }

  /** Whether clients may see the namespace. */
  isVisible(namespace: string): boolean {
    return !this.#forbidden.has(namespace)
  }

  /** Throws ApiError 403 if clients may not read the namespace. */
  checkRead(namespace: string): void {
    if (this.isVisible(namespace)) return
    throw new ApiError(403, `Read/Write access to namespace '${namespace}' is forbidden`)
  }

  /** Throws ApiError 401 or 403 if the caller may not write the namespace. */
  checkWrite(namespace: string, caller: Pick<Caller, 'user'>): void {
    this.checkRead(namespace)
    if (this.#protected.has(namespace)) {
      throw new ApiError(403, `Write access to namespace '${namespace}' is forbidden`)
    }
    if (ADMINS_ONLY.has(namespace)) demandRole(caller, 'admin')
  }
}
