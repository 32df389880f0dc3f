// The package of the operating system that installed this program.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Next to the program in a package; scripts/deb writes it. */
const FILE = 'installed-package.json'

/** A package that is installed. */
export interface InstalledPackage {
  readonly package: string
  readonly version: string
  /** The command that runs the newest version. */
  readonly command: string
  /** The folder of the newest version; the program that runs may be an older one. */
  readonly current: string
}

/** The package of the program in `folder`, by default of this one; null for another kind of installation. */
export function readInstalledPackage(folder: string = import.meta.dirname): InstalledPackage | null {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as InstalledPackage
  } catch {
    return null
  }
}
