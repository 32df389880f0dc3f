// What Linux distribution this is, as os-release(5) describes it.
import { readAssignments, type Variables } from './shell-assignments.ts'
import type { SystemFiles } from './system-files.ts'

/** The variables of the file, such as `ID` and `VERSION_ID`; none where it is missing. */
export async function readOsRelease(files: SystemFiles): Promise<Variables> {
  return readAssignments(await files.firstText('/etc/os-release', '/usr/lib/os-release'))
}
