// Tokens for one request each, for what browsers cannot send headers with.
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { User } from '../../rpc/user.ts'

/** Seconds for which a token is good. */
const LIFE = 5
/** As many can be waiting for use. */
const MAX_TOKENS = 10_000
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

interface Waiting {
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

/** Tokens are kept as hashes: how long a look-up takes then tells nothing of them. */
function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

export class OneshotTokens {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Waiting>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A token of 32 characters that lets `user` in once, from `address`. Throws ApiError when too many are waiting. */
  issue(address: string, user: User): string {
    if (this.#waiting.size >= MAX_TOKENS)
      throw new ApiError(503, 'Too many oneshot tokens are waiting for use')
    const token = base32(randomBytes(20))
    const key = keyOf(token)
    this.#waiting.set(key, { address, user, until: this.#clock.monotonic() + LIFE })
    this.#clock.after(LIFE, () => void this.#waiting.delete(key))
    return token
  }

  /** The user of a token, which is used up by that, also where it comes from another address. */
  take(token: string, address: string): User | undefined {
    const key = keyOf(token)
    const found = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (found === undefined || found.until <= this.#clock.monotonic()) return undefined
    return found.address === address ? found.user : undefined
  }

  /** Ends the tokens of a user. */
  revoke(username: string): void {
    for (const [key, { user }] of this.#waiting) if (user.username === username) this.#waiting.delete(key)
  }
}
