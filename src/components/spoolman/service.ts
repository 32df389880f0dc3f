// Spoolman, for other components.
import { service } from '../../component/service.ts'

/** A request to Spoolman's API. */
export interface SpoolmanRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** With the version of the API in front, as `/v1/spool`. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
}

/** Spoolman's spools and the active one. */
export interface SpoolmanService {
  /** Spoolman's id of the active spool. */
  readonly activeSpool: number | null
  /**
   * Resolves with Spoolman's reply. Rejects with ApiError: 503 without a connection, otherwise with Spoolman's own status
   * and reason.
   */
  request(request: SpoolmanRequest): Promise<unknown>
}

/** @see SpoolmanService */
export const spoolmanService = service<SpoolmanService>('spoolman')
