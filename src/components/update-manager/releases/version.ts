// Compares versions: those of SemVer, of Python packages (PEP 440), and of tags as `v1.2.0-beta.1`.

/** A version that can be compared. */
export interface Version {
  readonly epoch: number
  /** The numbers before any suffix, without zeros at the end. */
  readonly numbers: readonly number[]
  /** What follows them, in lower case and without separators: `['b', 2]` of `1.0.0-beta.2`. */
  readonly suffix: readonly (string | number)[]
}

const MAX_LENGTH = 200
const NUMBERED = /^v?(?:(\d{1,9})!)?(\d{1,15}(?:\.\d{1,15})*)(.*)$/is
/** PEP 440 has several spellings of a phase, and of what comes after a release. */
const SPELLINGS: Readonly<Record<string, string>> = {
  alpha: 'a',
  beta: 'b',
  c: 'rc',
  pre: 'rc',
  preview: 'rc',
  rev: 'post',
  r: 'post',
}

/** Null for a text that is not a version. Build metadata (after a plus sign) is ignored. */
export function parseVersion(text: string): Version | null {
  if (text.length > MAX_LENGTH) return null
  const [bare = ''] = text.trim().split('+', 1)
  const [, epoch = '0', numbers, rest = ''] = NUMBERED.exec(bare) ?? []
  if (numbers === undefined || /[^\w.-]/.test(rest) || /^\d/.test(rest)) return null
  const parsed = numbers.split('.').map(Number)
  return {
    epoch: Number(epoch),
    numbers: parsed.slice(0, parsed.findLastIndex(number => number !== 0) + 1),
    suffix: suffixOf(rest),
  }
}

function suffixOf(text: string): (string | number)[] {
  const parts = text.toLowerCase().match(/\d+|[a-z]+/g) ?? []
  const suffix = parts.map(part => (/\d/.test(part) ? Number(part) : (SPELLINGS[part] ?? part)))
  // `1.0-2` is a later build of 1.0 (PEP 440, git describe, Debian).
  return typeof suffix[0] === 'number' ? ['post', ...suffix] : suffix
}

/** Whether it comes before the release with the same numbers. */
export function isPrerelease({ suffix }: Version): boolean {
  return suffix.length > 0 && (suffix[0] !== 'post' || suffix.includes('dev'))
}

/** Negative if `a` is older than `b`, 0 if they are the same version, positive if it is newer. */
export function compareVersions(a: Version, b: Version): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch
  const numbers = Math.max(a.numbers.length, b.numbers.length)
  for (let index = 0; index < numbers; index += 1) {
    const difference = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  const parts = Math.max(a.suffix.length, b.suffix.length)
  for (let index = 0; index < parts; index += 1) {
    const difference = compareParts(a.suffix[index], b.suffix[index], index === 0)
    if (difference !== 0) return difference
  }
  return 0
}

function compareParts(
  a: string | number | undefined,
  b: string | number | undefined,
  isFirst: boolean,
): number {
  const difference = rankOf(a, isFirst) - rankOf(b, isFirst)
  if (difference !== 0 || a === b) return difference
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : 1
}

/**
 * The first word of a suffix places the version before or after the release. Inside of a suffix the rules of SemVer
 * hold: a longer one is later, and a word is later than a number. `dev` is always earlier (PEP 440).
 */
function rankOf(part: string | number | undefined, isFirst: boolean): number {
  if (part === 'dev') return -2
  if (part === undefined) return 0
  if (part === 'post') return 3
  if (typeof part === 'number') return 1
  return isFirst ? -1 : 2
}
