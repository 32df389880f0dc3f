// What both Debian packages have: maintainer, changelog, overrides of lintian.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PackageTree } from './package-tree.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The folder of the program. */
export const HOME = 'usr/lib/moonraker-ts'

/** How packages are built. */
export interface BuildOptions {
  /** The folder for the files. */
  readonly output: string
  /** The time of every file, in seconds since the epoch. */
  readonly time: number
  /** As dpkg-deb names it. */
  readonly compression: string
}

/** Who answers for the packages, as Debian's tools read it from the environment. */
function maintainer(): string {
  const { DEBFULLNAME = 'moonraker-ts packages', DEBEMAIL = 'moonraker-ts@localhost' } = process.env
  return `${DEBFULLNAME} <${DEBEMAIL}>`
}

/** Fields of all control files. */
export const FIELDS = {
  Section: 'misc',
  Priority: 'optional',
  Maintainer: maintainer(),
} as const

/** Adds Debian's changelog, which names the version and points to that of the project. */
export function writeChangelog(
  tree: PackageTree,
  name: string,
  version: string,
  { time }: BuildOptions,
): void {
  const date = new Date(time * 1000).toUTCString().replace('GMT', '+0000')
  tree.compress(
    `usr/share/doc/${name}/changelog.Debian`,
    `${name} (${version}) stable; urgency=medium\n\n  * The changes are those of the program.\n\n -- ${maintainer()}  ${date}\n`,
  )
}

/** Adds the overrides of lintian that packaging/debian has for a package. */
export function lintianOverrides(tree: PackageTree, name: string): void {
  const file = join(ROOT, 'packaging/debian', `${name}.lintian-overrides`)
  if (existsSync(file)) tree.write(`usr/share/lintian/overrides/${name}`, readFileSync(file))
}
