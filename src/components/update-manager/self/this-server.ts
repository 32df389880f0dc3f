// Recognizes a version of this server, so that no other program takes its place.
import { isPlainObject } from '../../../schema/index.ts'

/** The name of this server in its package.json. */
export const PACKAGE = 'moonraker-ts'

/** Whether the text of a package.json is that of this server. */
export function isThisServer(manifest: string): boolean {
  try {
    const parsed: unknown = JSON.parse(manifest)
    return isPlainObject(parsed) && parsed.name === PACKAGE
  } catch {
    return false
  }
}
