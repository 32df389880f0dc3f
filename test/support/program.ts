// Whether a program that a test needs is on this machine; running the program would take as long as some tests. Only system
// tests may need one that does not come with Node and npm.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program; undefined if it is not installed. */
export function programPath(program: string): string | undefined {
  // Debian installs daemons where only root's PATH leads.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
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
