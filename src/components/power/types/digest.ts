// HTTP Digest authentication (RFC 7616) with SHA-256 and `qop=auth`, as Shelly devices of generation 2 and later use it.
import { createHash, randomBytes } from 'node:crypto'

/** What is authenticated. */
export interface DigestRequest {
  readonly method: string
  /** Path and query. */
  readonly uri: string
  readonly username: string
  readonly password: string
}

/** The header `Authorization` for a challenge in `WWW-Authenticate`; null for a challenge of another kind. */
export function digestHeader(
  challenge: string,
  { method, uri, username, password }: DigestRequest,
  cnonce = randomBytes(8).toString('hex'),
): string | null {
  if (!/^digest\s/i.test(challenge)) return null
  const { realm = '', nonce, qop, opaque, algorithm = 'MD5' } = parameters(challenge)
  if (nonce === undefined || algorithm.toUpperCase() !== 'SHA-256') return null
  if (qop === undefined || !qop.split(',').some(value => value.trim() === 'auth')) return null
  const count = '00000001'
  const user = sha256(`${username}:${realm}:${password}`)
  const response = sha256(`${user}:${nonce}:${count}:${cnonce}:auth:${sha256(`${method}:${uri}`)}`)
  const quoted = Object.entries({ username, realm, nonce, uri, cnonce, response, opaque })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}="${value}"`)
  return `Digest ${[...quoted, 'algorithm=SHA-256', 'qop=auth', `nc=${count}`].join(', ')}`
}

function parameters(challenge: string): Readonly<Record<string, string | undefined>> {
  const found = challenge.matchAll(/(\w{1,32})=(?:"([^"]{0,1024})"|([^\s,]{1,1024}))/g)
  return Object.fromEntries([...found].map(([, name, quoted, bare]) => [name?.toLowerCase(), quoted ?? bare]))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
