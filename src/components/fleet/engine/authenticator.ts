// Shows the engine who the printer is: its credential, and the signature of the engine's challenge by its key.
import { type KeyObject, sign } from 'node:crypto'
import type { Authenticator } from '@nats-io/transport-node'
import { keyOfSeed } from '../../../core/nats-key.ts'
import type { Credential } from './credential.ts'

export function authenticator({ jwt, seed }: Pick<Credential, 'jwt' | 'seed'>): Authenticator {
  const key = keyOf(seed)
  return nonce => ({ jwt, sig: sign(null, Buffer.from(nonce ?? ''), key).toString('base64url') })
}

/** The key in the text of a seed. Throws Error if it is none of a printer. */
function keyOf(seed: string): KeyObject {
  try {
    if (seed.startsWith('SU')) return keyOfSeed(seed)
  } catch {
    // Too short.
  }
  throw new Error('fleet/seed is not the key of a printer')
}
