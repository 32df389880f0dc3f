// Who calls a method, and by which transport.
import type { Transport } from '../api/endpoint.ts'
import type { StatusChange } from '../api/printer.ts'
import type { Connection } from './connection.ts'
import { TRUSTED_USER, type User } from './user.ts'

/** One caller of one method. */
export interface Caller {
  readonly transport: Transport
  /** The address of the client, after trusted proxies; null for unix sockets. */
  readonly address: string | null
  /** Null for an unauthenticated client, which may call endpoints without authentication only. */
  readonly user: User | null
  /** The WebSocket or unix socket; null for other transports. */
  readonly connection: Connection | null
  /**
   * Replaces the status subscription on a transport whose callers share one. `objects` are field names by
   * object, null for all. Resolves with the present status.
   */
  readonly subscribe?: (
    objects: Readonly<Record<string, readonly string[] | null>>,
  ) => Promise<{ readonly eventtime: number; readonly status: StatusChange }>
}

/** The server itself. */
export const INTERNAL_CALLER: Caller = {
  transport: 'internal',
  address: null,
  user: TRUSTED_USER,
  connection: null,
}
