// Versions of commits, as `git describe` writes them: the nearest tag, and the number of commits since.
import { compareVersions, parseVersion, type Version } from '../releases/version.ts'

/** The version of a commit. */
export interface DescribedCommit {
  /** The tag, as written. */
  readonly tag: string
  /** The number of commits since the tag; for an assumed version, since the first commit. */
  readonly count: number
  /** Eight digits of the commit. */
  readonly hash: string
  readonly isDirty: boolean
  /** The commit has no tag that is a version: the version is assumed from another commit. */
  readonly isInferred: boolean
}

/** What clients see where nothing is known. */
export const UNKNOWN = '?'

const DESCRIBED = /^(.+)-(\d+)-g([0-9a-f]{4,64})(-dirty)?(-inferred)?$/
const NO_VERSION = 'v0.0.0'

/** Reads the output of `git describe --long`, or a stored version; null where the tag is not a version. */
export function readDescribed(text: string): DescribedCommit | null {
  const [, tag = '', count, hash = '', dirty, inferred] = DESCRIBED.exec(text) ?? []
  if (parseVersion(tag) === null) return null
  const isDirty = dirty !== undefined
  return { tag, count: Number(count), hash, isDirty, isInferred: inferred !== undefined }
}

/**
 * The version of a commit without a version: that before `other`, the version of another commit of the repository, or
 * v0.0.0. `count` is the number of commits up to this one.
 */
export function inferVersion(
  other: DescribedCommit | null,
  { count, hash, isDirty }: Pick<DescribedCommit, 'count' | 'hash' | 'isDirty'>,
): DescribedCommit {
  const tag = other === null || other.isInferred ? NO_VERSION : tagBefore(other.tag)
  return { tag, count, hash: hash.slice(0, 8), isDirty, isInferred: true }
}

/** `v1.2.0` for `v1.3.0`, `v1.3.0` for `v1.3.1-beta.2`. */
function tagBefore(tag: string): string {
  const [, prefix = '', written = ''] = /^(v?)(\d+(?:\.\d+)*)/i.exec(tag) ?? []
  const numbers = written.split('.').map(Number)
  const at = numbers.findLastIndex(number => number > 0)
  if (at === -1) return NO_VERSION
  return prefix + numbers.map((number, index) => (index === at ? number - 1 : number)).join('.')
}

/** `v1.2.0-15` */
export function shortVersion(commit: DescribedCommit | null): string {
  return commit === null ? UNKNOWN : `${commit.tag}-${commit.count}`
}

/** `v1.2.0-15-gcdbbaa0c-dirty-inferred` */
export function fullVersion(commit: DescribedCommit | null): string {
  if (commit === null) return UNKNOWN
  const { hash, isDirty, isInferred } = commit
  return `${shortVersion(commit)}-g${hash}${isDirty ? '-dirty' : ''}${isInferred ? '-inferred' : ''}`
}

/** Whether `version` is newer than a commit. */
export function isNewer(version: Version, commit: DescribedCommit | null): boolean {
  const present = commit === null ? null : parseVersion(commit.tag)
  return present === null || compareVersions(version, present) > 0
}
