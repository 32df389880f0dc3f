// The names of binary G-code files and of the plain G-code that the server makes from them, since Klipper can print only
// plain G-code. `part.bgcode` becomes `part.bgcode.gcode`, a file next to it.

const ENDING = '.bgcode'
const PLAIN_ENDING = '.gcode'

/** Whether a file of this name is binary G-code. */
export function isBinaryGcodeName(name: string): boolean {
  return name.toLowerCase().endsWith(ENDING)
}

/** The path of the plain G-code for a binary file. */
export function plainGcodePath(binaryPath: string): string {
  return `${binaryPath}${PLAIN_ENDING}`
}

/** The binary file that plain G-code at this path is for; undefined for any other file. */
export function binaryGcodePath(path: string): string | undefined {
  const binary = path.endsWith(PLAIN_ENDING) ? path.slice(0, -PLAIN_ENDING.length) : ''
  return isBinaryGcodeName(binary) ? binary : undefined
}

/** The path that Klipper knows while it prints `path`. */
export function printedPath(path: string): string {
  return isBinaryGcodeName(path) ? plainGcodePath(path) : path
}

/**
 * Whether plain G-code was made from a binary file as it is now: it has the same time of change. Both in seconds since
 * the epoch.
 */
export function isPlainGcodeOf(plain: number, binary: number): boolean {
  return Math.abs(plain - binary) < 0.001
}
