// Who is asking, and by which way.
import { ROLES, type Role, type Transport } from '../api/endpoint.ts'
import { ApiError } from '../core/errors.ts'
import type { Connection } from './connection.ts'

/** A user as the access rules know it. */
export interface User {
  readonly username: string
  /** Where the user is kept: `moonraker`, `ldap`. */
  readonly source: string
  /** Seconds since the epoch; null for users that stand for a rule. */
  readonly created_on: number | null
  readonly role: Role
}

/** Stands for a caller who is let in by its address and has not logged in. Fluidd compares the name. */
export const TRUSTED_USER: User = {
  username: '_TRUSTED_USER_',
  source: 'moonraker',
  created_on: null,
  role: 'admin',
}

/** One caller of one method. */
export interface Caller {
  readonly transport: Transport
  /** The address of the client, after trusted proxies; null where there is none (unix socket). */
  readonly address: string | null
  /** Null for nobody: only endpoints that ask for no authentication answer. */
  readonly user: User | null
  /** The lasting connection, where there is one. */
  readonly connection: Connection | null
}

/** The server itself. */
export const INTERNAL_CALLER: Caller = {
  transport: 'internal',
  address: null,
  user: TRUSTED_USER,
  connection: null,
}

/** Throws ApiError 401 for a stranger, 403 for a user who may not do what only a `role` may. */
export function demandRole({ user }: Pick<Caller, 'user'>, role: Role): void {
  if (user === null) throw new ApiError(401, 'Unauthorized')
  if (ROLES.indexOf(user.role) >= ROLES.indexOf(role)) return
  throw new ApiError(
    403,
    `Not allowed: this needs the role '${role}', and ${user.username} is '${user.role}'`,
  )
}
