// Shows the engine who the printer is: its credential, and the signature of the engine's challenge by its key. Node signs;
// the library of NATS would do it in JavaScript, with 14 MB of memory for one signature.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Authenticator } from '@nats-io/transport-node'
import type { Credential } from './credential.ts'

/** What comes before the 32 bytes of an ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Bytes of a seed before the key, and of the key. */
const PREFIX = 2
const KEY = 32
/** RFC 4648. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export function authenticator({ jwt, seed }: Pick<Credential, 'jwt' | 'seed'>): Authenticator {
  const key = keyOf(seed)
  return nonce => ({ jwt, sig: sign(null, Buffer.from(nonce ?? ''), key).toString('base64url') })
}

/** The key in the text of a seed. Throws Error if it is none. */
function keyOf(seed: string): KeyObject {
  const bytes = fromBase32(seed)
  if (!seed.startsWith('SU') || bytes.length < PREFIX + KEY)
    throw new Error('fleet/seed is not the key of a printer')
  const der = Buffer.concat([PKCS8, bytes.subarray(PREFIX, PREFIX + KEY)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function fromBase32(text: string): Buffer {
  const bits = text.split('').map(digit => BASE32.indexOf(digit).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/[01]{8}/g) ?? []
  return Buffer.from(bytes.map(byte => Number.parseInt(byte, 2)))
}
