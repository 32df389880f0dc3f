// The seed of a key.
import type { KeyPair } from '@nats-io/nkeys'

/** The text of the seed of a key. */
export function seedOf(key: KeyPair): string {
  return new TextDecoder().decode(key.getSeed())
}
