// Tokens for one request each, for browsers' requests that cannot have headers (downloads, links).
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { User } from '../../rpc/user.ts'

/** Seconds until a token expires. */
const LIFE = 5
/** Tokens that may be unused at the same time. */
const MAX_TOKENS = 10_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

interface Issued {
  readonly address: string
  readonly user: User
  /** On the monotonic clock. */
  readonly until: number
}

/** Bytes in base32 (RFC 4648); a multiple of 5 bytes needs no padding. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return bits.replace(/.{5}/g, five => ALPHABET[Number.parseInt(five, 2)] as string)
}

/** Tokens are kept as hashes, so that the time of a lookup does not depend on the token. */
function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

export class OneshotTokens {
  readonly #clock: Clock
  readonly #issued = new Map<string, Issued>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A token of 32 characters for one request of `user` from `address`. Throws ApiError 503 when too many are unused. */
  issue(address: string, user: User): string {
    if (this.#issued.size >= MAX_TOKENS)
      throw new ApiError(503, 'Too many unused oneshot tokens, try again later')
    const token = base32(randomBytes(20))
    const key = keyOf(token)
    this.#issued.set(key, { address, user, until: this.#clock.monotonic() + LIFE })
    this.#clock.after(LIFE, () => void this.#issued.delete(key))
    return token
  }

  /** The user of a token. This uses it up, also if it comes from another address. */
  take(token: string, address: string): User | undefined {
    const key = keyOf(token)
    const found = this.#issued.get(key)
    this.#issued.delete(key)
    if (found === undefined || found.until <= this.#clock.monotonic()) return undefined
    return found.address === address ? found.user : undefined
  }

  /** Ends the tokens of a user. */
  revoke(username: string): void {
    for (const [key, { user }] of this.#issued) if (user.username === username) this.#issued.delete(key)
  }
}
