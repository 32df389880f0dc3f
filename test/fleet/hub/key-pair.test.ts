// Key pairs with which Node signs: keys and signatures are those of the library of NATS.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccount } from '@nats-io/nkeys'
import { keyPairOf } from '../../../src/fleet/hub/engine/key-pair.ts'
import { seedOf } from '../seed.ts'

test('a key pair has the keys of its seed, and signs as the library does', () => {
  const pair = createAccount()
  const quick = keyPairOf(seedOf(pair))
  assert.equal(quick.getPublicKey(), pair.getPublicKey())
  assert.deepEqual(quick.getPrivateKey(), pair.getPrivateKey())
  const input = Buffer.from('a token')
  assert.deepEqual(Buffer.from(quick.sign(input)), Buffer.from(pair.sign(input)))
  assert.ok(quick.verify(input, quick.sign(input)))
})

test('a text that is no seed is refused', () => {
  for (const seed of ['', 'x', createAccount().getPublicKey()]) assert.throws(() => keyPairOf(seed))
})
