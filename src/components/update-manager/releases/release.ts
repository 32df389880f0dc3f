// Releases as the API of GitHub describes them, and which of them a channel offers.
import { bool, Field, type Infer, Invalid, int, list, object, string } from '../../../schema/index.ts'
import { compareVersions, isPrerelease, parseVersion } from './version.ts'

/** Characters of a name: git and GitHub allow no more. */
const MAX_NAME = 255
const MAX_URL = 4096

/** What is longer would fill the database, and every status that clients read. */
function text(max: number): Field<string> {
  const { json, read } = string()
  return new Field({ ...json, maxLength: max }, (input, name) => {
    const value = read(input, name)
    if (value.length > max) throw new Invalid(name, `at most ${max} characters`, input)
    return value
  })
}

const Asset = object({
  name: text(MAX_NAME),
  browser_download_url: text(MAX_URL),
  content_type: text(MAX_NAME).default('application/octet-stream'),
  size: int({ min: 0 }),
  /** As `sha256:` and hexadecimal digits; older assets have none. */
  digest: text(MAX_NAME).nullable().default(null),
})

const Release = object({
  /** The name of the git tag: the version. GitHub's `name` is a title, which may be any text. */
  tag_name: text(MAX_NAME),
  prerelease: bool().default(false),
  draft: bool().default(false),
  assets: list(Asset).default([]),
})

/** A published release. */
export type Release = Infer<typeof Release>
/** A file of a release. */
export type ReleaseAsset = Infer<typeof Asset>

/** Reads one release. Throws Invalid. */
export function readRelease(json: unknown): Release {
  return Release.read(json, 'release')
}

/** Reads a list of releases, without drafts. Throws Invalid. */
export function readReleases(json: unknown): Release[] {
  return list(Release)
    .read(json, 'releases')
    .filter(({ draft }) => !draft)
}

/** Reads the first of a list of commits. Throws Invalid. */
export function readCommit(json: unknown): string {
  const [newest] = list(object({ sha: string() })).read(json, 'commits')
  if (newest === undefined) throw new Invalid('commits', 'is empty', json)
  return newest.sha
}

/** Whether a release is a preview, by its mark or by its version: some are published without the mark. */
export function isPreview({ prerelease, tag_name }: Release): boolean {
  const version = parseVersion(tag_name)
  return prerelease || (version !== null && isPrerelease(version))
}

/** The release with the highest version; the first one, which is the latest, where no tag is a version. */
export function newestOf(releases: readonly Release[]): Release | null {
  const versions = releases.flatMap(release => {
    const version = parseVersion(release.tag_name)
    return version === null ? [] : [{ release, version }]
  })
  const [newest] = versions.sort((a, b) => compareVersions(b.version, a.version))
  return newest?.release ?? releases[0] ?? null
}

/**
 * Whether `published` is newer than the installed version. Of versions that cannot be compared every other one counts as
 * newer. False where one of them is not known, which is `?`.
 */
export function isNewer(published: string, installed: string): boolean {
  if (published === '?' || installed === '?') return false
  const [a, b] = [parseVersion(published), parseVersion(installed)]
  return a === null || b === null ? published !== installed : compareVersions(a, b) > 0
}
