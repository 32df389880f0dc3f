// Replies over HTTP: JSON with an ETag, errors, and the headers with which pages of allowed sites may read them.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import type { Backlog } from '../backlog.ts'
import type { RequestSource } from './authenticator.ts'
import { hasBody } from './body.ts'
import { EntityTags } from './entity-tags.ts'

const METHODS = 'GET, POST, PUT, DELETE, OPTIONS'
const PREFLIGHT = {
  'Access-Control-Allow-Headers':
    'Origin, Accept, Content-Type, X-Requested-With, X-CRSF-Token, Authorization, X-Access-Token, X-Api-Key',
}

/** Allows the pages of an allowed origin to read the reply, errors included. */
export function allowOrigin(res: ServerResponse, { allowedOrigin, origin }: RequestSource): void {
  if (origin !== undefined) res.setHeader('Vary', 'Origin')
  if (allowedOrigin !== undefined) res.setHeader('Access-Control-Allow-Origin', allowedOrigin)
}

/** Answers a CORS preflight. Throws ApiError 405 for an origin that is not allowed. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse, source: RequestSource): void {
  if (source.allowedOrigin === undefined) throw new ApiError(405, 'Method Not Allowed')
  // Only cameras have it; without it the list is the original's.
  const isPatch = req.headers['access-control-request-method'] === 'PATCH'
  const privateNetwork = req.headers['access-control-request-private-network'] === 'true'
  res.writeHead(204, {
    'Access-Control-Allow-Methods': isPatch ? `${METHODS}, PATCH` : METHODS,
    ...PREFLIGHT,
    ...(privateNetwork && { 'Access-Control-Allow-Private-Network': 'true' }),
  })
  res.end()
}

/** Replies of more bytes count among those that clients leave unread. */
const LARGE = 256 * 1024

export class JsonReplies {
  readonly #backlog: Backlog
  readonly #tags = new EntityTags()

  constructor(backlog: Backlog) {
    this.#backlog = backlog
  }

  /** Sends a JSON text. A GET gets an ETag, and 304 where the client already has the same. */
  send(req: IncomingMessage, res: ServerResponse, body: string, status = 200): void {
    const length = Buffer.byteLength(body)
    const headers = [
      'Content-Type',
      'application/json; charset=UTF-8',
      'X-Content-Type-Options',
      'nosniff',
      'Content-Length',
      `${length}`,
    ]
    if (req.method === 'GET') {
      const etag = this.#tags.of(req.url ?? '', body)
      if (isKnown(req.headers['if-none-match'], etag)) {
        res.writeHead(304, ['Etag', etag]).end()
        return
      }
      headers.push('Etag', etag)
    }
    // Node joins head and body in one write where both are of one encoding.
    res.writeHead(status, headers).end(body, length === body.length ? 'latin1' : 'utf8')
    if (length > LARGE) this.#countUnread(res, length)
  }

  #countUnread(res: ServerResponse, bytes: number): void {
    const recipient = { terminate: () => void res.destroy() }
    res.once('close', () => this.#backlog.update(recipient, 0))
    this.#backlog.update(recipient, bytes)
  }
}

/** Whether the client has this version: weakly compared, as for any GET (RFC 9110, section 13.1.2). */
function isKnown(known: string | undefined, etag: string): boolean {
  if (known === undefined || known === etag) return known !== undefined
  return known.split(',').some(tag => [etag, `W/${etag}`, '*'].includes(tag.trim()))
}

/** Sends an error as JSON. The connection is closed where the request's body has not arrived. */
export function sendError(req: IncomingMessage, res: ServerResponse, error: ApiError): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  const body = JSON.stringify({ error: { code: error.status, message: error.message } })
  res.setHeader('Content-Type', 'application/json; charset=UTF-8')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Content-Length', Buffer.byteLength(body))
  if (hasBody(req) && !req.complete) res.setHeader('Connection', 'close')
  res.writeHead(error.status, reasonOf(error.message)).end(req.method === 'HEAD' ? undefined : body)
}

/** The reason phrase repeats the message where HTTP allows it, as clients of the original expect. */
function reasonOf(message: string): string {
  return /^[\x20-\x7e]{1,200}$/.test(message) ? message : 'Error'
}
