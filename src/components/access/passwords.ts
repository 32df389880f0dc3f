// Hashes of passwords, computed outside of the event loop.
import { pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type KnownNetworks, LoginQueue } from './login-queue.ts'

const ROUNDS = 100_000
const HASH_BYTES = 32
const SALT_BYTES = 32
/** Hashes computed at once: Node's threads are also those of all file operations. */
const MAX_RUNNING = 2
/** Longer passwords are wrong in any case. */
export const MAX_PASSWORD = 1024

/** A password as it is stored: hash and salt in hexadecimal. */
export interface HashedPassword {
  readonly password: string
  readonly salt: string
}

/** Used for users without a stored password: the check then takes as long as with one. */
const DUMMY: HashedPassword = { password: '00'.repeat(HASH_BYTES), salt: '00'.repeat(SALT_BYTES) }

/** Derives a hash of HASH_BYTES from a password. */
export type Derive = (password: string, salt: Buffer) => Promise<Buffer>

/** PBKDF2-HMAC-SHA256 with the rounds and lengths of the original, so that each server can check the other's hashes. */
export const PBKDF2: Derive = (password, salt) =>
  promisify(pbkdf2)(password, salt, ROUNDS, HASH_BYTES, 'sha256')

/** scrypt with 16 MiB of memory, for users of a fleet: no other program reads their hashes. */
export const SCRYPT: Derive = (password, salt) =>
  promisify<string, Buffer, number, Buffer>(scrypt)(password, salt, HASH_BYTES)

export class Passwords {
  readonly #queue: LoginQueue
  readonly #kdf: Derive

  constructor(known: KnownNetworks, kdf: Derive) {
    this.#kdf = kdf
    this.#queue = new LoginQueue(known, MAX_RUNNING)
  }

  /** Hashes a new password with a new salt, for a client at `address`; null is the unix socket. */
  async hash(password: string, address: string | null): Promise<HashedPassword> {
    const salt = randomBytes(SALT_BYTES)
    const hash = await this.#derive(password, salt, address)
    return { password: hash.toString('hex'), salt: salt.toString('hex') }
  }

  /**
   * Whether `password`, which a client at `address` sent, is the stored one. Without a stored one (unknown user) the
   * check takes the same time. Rejects with ApiError 503 if too many logins wait.
   */
  async matches(
    password: string,
    stored: HashedPassword | undefined,
    address: string | null,
  ): Promise<boolean> {
    const usable = stored !== undefined && stored.password.length === HASH_BYTES * 2
    const { password: expected, salt } = usable ? stored : DUMMY
    const isLong = password.length > MAX_PASSWORD
    const hash = await this.#derive(isLong ? '' : password, Buffer.from(salt, 'hex'), address)
    const wanted = Buffer.from(expected, 'hex')
    const same = wanted.length === hash.length && timingSafeEqual(hash, wanted)
    return same && usable && !isLong
  }

  #derive(password: string, salt: Buffer, address: string | null): Promise<Buffer> {
    return this.#queue.run(address, () => this.#kdf(password, salt))
  }
}
