// Whether a program that a test needs is on this machine; running the program would take as long as some tests.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Why `program` cannot be run, as a reason to skip; false where it can. */
export function absent(program: string): string | false {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some(folder => isProgram(join(folder, program))) ? false : `${program} is not installed`
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
