// The versions that the server reports.

import { createRequire } from 'node:module'

/** Set by the bundler to the commit that was built. */
declare const __COMMIT__: string | undefined
/** Set by the bundler to the version in package.json. */
declare const __VERSION__: string | undefined

/** The version of this program. */
export const PACKAGE_VERSION = typeof __VERSION__ === 'string' ? __VERSION__ : versionOfSources()

/** The version of the API. */
export const API_VERSION = [1, 5, 0] as const

/**
 * The version that clients see, in git-describe form: Mainsail and Fluidd compare it with the oldest one that they
 * support.
 */
export function moonrakerVersion(): string {
  return `v0.10.0-0-g${typeof __COMMIT__ === 'string' ? __COMMIT__ : '0000000'}`
}

function versionOfSources(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string }
  return manifest.version
}
