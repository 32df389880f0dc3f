// The user behind a call, and what its role allows.
import { ROLES, type Role } from '../api/endpoint.ts'
import { ApiError } from '../core/errors.ts'

/** A user, as the access rules give it. */
export interface User {
  readonly username: string
  /** Where the user is stored: `moonraker`, `ldap`. */
  readonly source: string
  /** Seconds since the epoch; null for users that exist by a rule only. */
  readonly created_on: number | null
  readonly role: Role
}

/** The user of clients that are trusted by their address and have not logged in. Fluidd compares the name. */
export const TRUSTED_USER: User = {
  username: '_TRUSTED_USER_',
  source: 'moonraker',
  created_on: null,
  role: 'admin',
}

/** Throws ApiError: 401 without a user, 403 for a user whose role is below `role`. */
export function demandRole({ user }: { readonly user: User | null }, role: Role): void {
  if (user === null) throw new ApiError(401, 'Unauthorized')
  if (ROLES.indexOf(user.role) >= ROLES.indexOf(role)) return
  throw new ApiError(
    403,
    `Not allowed: this needs the role '${role}', and ${user.username} is '${user.role}'`,
  )
}
