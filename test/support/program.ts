// Whether a program that a test needs is on this machine; running the program would take as long as some tests.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program; undefined if it is not installed. */
export function programPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map(folder => join(folder, program)).find(isProgram)
}

/** Why `program` cannot be run, as a reason to skip; false where it can. */
export function absent(program: string): string | false {
  return programPath(program) === undefined ? `${program} is not installed` : false
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
