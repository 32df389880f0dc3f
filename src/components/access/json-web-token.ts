// JSON Web Tokens (RFC 7519) as the current Moonraker signs them: EdDSA, with one key for each user with a login.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isPlainObject } from '../../schema/index.ts'

/** `access` for requests, `refresh` for new access tokens. */
export type TokenType = 'access' | 'refresh'

/** The claims of a token. Times are in seconds since the epoch. */
export interface Claims {
  readonly iss: string
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly username: string
  readonly token_type: TokenType
}

/** A key pair with its id, which is the `kid` of tokens. */
export interface SigningKey {
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The server's own tokens have less than 500 characters. */
const MAX_LENGTH = 4096
/** PKCS #8 of an Ed25519 key, before its seed (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A token that is not valid; the message is the reason and contains nothing of the token. */
export class TokenError extends Error {
  override readonly name: string = 'TokenError'
}

/** The key pair of a stored seed (32 bytes in hexadecimal); undefined for any other text. */
export function signingKey(id: string, seed: string): SigningKey | undefined {
  if (!/^[0-9a-f]{64}$/i.test(seed)) return undefined
  const der = Buffer.concat([PKCS8_HEAD, Buffer.from(seed, 'hex')])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { id, privateKey, publicKey: createPublicKey(privateKey) }
}

/** A signed token. */
export function signToken(key: SigningKey, claims: Claims): string {
  const parts = [{ kid: key.id, alg: 'EdDSA', typ: 'JWT' }, claims]
  const text = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${sign(null, Buffer.from(text), key.privateKey).toString('base64url')}`
}

/**
 * The claims of a token that a key of the server signed; the caller checks them. Only one algorithm is accepted, so a
 * token cannot choose one. Throws TokenError.
 */
export function readToken(
  token: string,
  keyOf: (id: string) => SigningKey | undefined,
): { readonly key: SigningKey; readonly claims: Readonly<Record<string, unknown>> } {
  const parts = token.length > MAX_LENGTH ? [] : token.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw new TokenError('Invalid JWT')
  const { alg, typ, kid, crit } = jsonOf(header)
  if (alg !== 'EdDSA' || typ !== 'JWT' || crit !== undefined) throw new TokenError('Invalid JWT header')
  const key = typeof kid === 'string' ? keyOf(kid) : undefined
  if (key === undefined) throw new TokenError('Invalid key ID')
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify(null, signed, key.publicKey, bytesOf(signature))) throw new TokenError('Invalid JWT signature')
  return { key, claims: jsonOf(payload) }
}

/** Bytes have one valid encoding only. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new TokenError('Invalid JWT')
  return bytes
}

function jsonOf(text: string): Record<string, unknown> {
  const bytes = bytesOf(text)
  try {
    const value: unknown = JSON.parse(bytes.toString())
    if (isPlainObject(value)) return value
  } catch {
    // The same error as for a value that is not an object.
  }
  throw new TokenError('Invalid JWT')
}
