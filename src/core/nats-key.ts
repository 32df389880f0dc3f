// The Ed25519 key in a seed of NATS, for signatures by Node: the library of NATS signs in JavaScript, which takes a hundred
// times as long, and memory.
import { createPrivateKey, type KeyObject } from 'node:crypto'

/** What comes before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Bytes of a seed before the key, and of the key. */
const PREFIX = 2
const KEY = 32
/** RFC 4648. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The key in the text of a seed. Throws Error if the text is too short. */
export function keyOfSeed(seed: string): KeyObject {
  const bytes = fromBase32(seed)
  if (bytes.length < PREFIX + KEY) throw new Error('not a seed of NATS')
  const der = Buffer.concat([PKCS8, bytes.subarray(PREFIX, PREFIX + KEY)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function fromBase32(text: string): Buffer {
  const bits = text.split('').map(digit => BASE32.indexOf(digit).toString(2).padStart(5, '0'))
  const bytes = bits.join('').match(/[01]{8}/g) ?? []
  return Buffer.from(bytes.map(byte => Number.parseInt(byte, 2)))
}
