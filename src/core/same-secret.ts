// Compares secrets in constant time.
import { timingSafeEqual } from 'node:crypto'

/** Compares in a time that does not depend on where two texts differ. */
export function isSameSecret(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
