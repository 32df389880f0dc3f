// Where WebSockets are served, below the route prefix.

/** JSON-RPC, and Klippy's own protocol. */
export const SOCKET_PATHS = { jsonRpc: '/websocket', klippy: '/klippysocket' } as const

/** Whether WebSockets are served at `path`. */
export function isSocketPath(path: string): boolean {
  return path === SOCKET_PATHS.jsonRpc || path === SOCKET_PATHS.klippy
}
