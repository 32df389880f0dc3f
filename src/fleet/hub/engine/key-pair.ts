// Key pairs of NATS with which Node signs. The library signs in JavaScript, and computes the public key for each use: one
// token blocks the hub for 20 ms.
import { sign } from 'node:crypto'
import { fromSeed, type KeyPair } from '@nats-io/nkeys'
import { keyOfSeed } from '../../../core/nats-key.ts'

/** The key pair of a seed. Throws Error for a text that is no seed. */
export function keyPairOf(seed: string): KeyPair {
  const pair = fromSeed(new TextEncoder().encode(seed))
  const publicKey = pair.getPublicKey()
  const getPrivateKey = pair.getPrivateKey.bind(pair)
  let privateKey: Uint8Array | undefined
  const key = keyOfSeed(seed)
  return Object.assign(pair, {
    getPublicKey: () => publicKey,
    getPrivateKey() {
      privateKey ??= getPrivateKey()
      return privateKey
    },
    sign: (input: Uint8Array) => sign(null, input, key),
  })
}
