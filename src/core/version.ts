// The versions that the server reports.

/** Set by the bundler to the commit that was built. */
declare const __COMMIT__: string | undefined

/** The version of this program. */
export const PACKAGE_VERSION = '0.1.0'

/** The version of the API. */
export const API_VERSION = [1, 5, 0] as const

/**
 * The version that clients see, in git-describe form: Mainsail and Fluidd compare it with the oldest one that they
 * support.
 */
export function moonrakerVersion(): string {
  return `v0.10.0-0-g${typeof __COMMIT__ === 'string' ? __COMMIT__ : '0000000'}`
}
