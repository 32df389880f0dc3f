// Targets that are a whole URL, as clients send them to a proxy: `GET http://printer.local/server/info HTTP/1.1`.
import type { IncomingMessage } from 'node:http'

const URL_TARGET = /^(?:http|ws)s?:\/\/([^/?#]+)([^#]*)/i

/**
 * Replaces such a target by its path and query. A server must accept it, and its host counts instead of the Host header
 * (RFC 9112, section 3.2.2).
 */
export function resolveTarget(req: IncomingMessage): void {
  if (req.url?.startsWith('/')) return
  const [, host, path = ''] = URL_TARGET.exec(req.url ?? '') ?? []
  if (host === undefined) return
  req.url = path.startsWith('/') ? path : `/${path}`
  req.headers.host = host
}
