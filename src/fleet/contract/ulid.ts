// ULID: 128-bit ids that sort by time, as 26 characters of Crockford's base 32.

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_DIGITS = 10
const RANDOM_DIGITS = 16

export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** A new id. `now` in milliseconds since the Unix epoch. */
export function ulid(now: number): string {
  let time = ''
  for (let rest = Math.floor(now), digit = 0; digit < TIME_DIGITS; digit += 1) {
    time = DIGITS.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_DIGITS))
  return time + Array.from(random, byte => DIGITS.charAt(byte % 32)).join('')
}

/** The time in an id, in milliseconds since the Unix epoch. */
export function timeOfUlid(id: string): number {
  const digits = id.slice(0, TIME_DIGITS).split('')
  return digits.reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0)
}
