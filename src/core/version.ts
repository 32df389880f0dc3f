// Which versions the server names.

/** Set by the bundler to the commit that was built. */
declare const __COMMIT__: string | undefined

/** Our own version. */
export const PACKAGE_VERSION = '0.1.0'

/** The version of the API that we speak (current-api.md). */
export const API_VERSION = [1, 5, 0] as const

/**
 * The version under which clients know the API, in git-describe form: Mainsail and Fluidd compare it with
 * the oldest that they support.
 */
export function moonrakerVersion(): string {
  return `v0.10.0-0-g${typeof __COMMIT__ === 'string' ? __COMMIT__ : '0000000'}`
}
