// The lines of PanelDue firmware 1.24: how commands are protected, and how they contain paths.
import { isUtf8 } from 'node:buffer'
import { ApiError } from '../../core/errors.ts'
import { trimBothOf } from '../../core/trim-characters.ts'

const ASTERISK = 0x2a

/**
 * The G-code in a line `N12 G28*37`, where the number after `*` is the XOR of all bytes before it. Null for a line that
 * is damaged; with `checked` also for one without a checksum.
 */
export function readLine(line: Buffer, checked: boolean): string | null {
  const end = line.lastIndexOf(ASTERISK)
  const isCorrect = end !== -1 && checksumOf(line.subarray(0, end)) === readNumber(line.subarray(end + 1))
  if (checked && !isCorrect) return null
  const command = isCorrect ? line.subarray(0, end) : line
  return isUtf8(command)
    ? command
        .toString()
        .replace(/^N\d+ ?/, '')
        .trim()
    : null
}

function checksumOf(bytes: Buffer): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0)
}

function readNumber(bytes: Buffer): number {
  const text = bytes.toString('latin1').trim()
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
}

/** A command: `M408`, and the text after it. */
export interface Command {
  readonly name: string
  readonly rest: string
}

export function readCommand(gcode: string): Command {
  const [name = ''] = gcode.split(/\s/, 1)
  return { name: name.toUpperCase(), rest: gcode.slice(name.length).trimStart() }
}

/** The number after a letter, as 5 in `S2 R5`; undefined without it. */
export function numberIn(rest: string, letter: string): number | undefined {
  const word = rest.split(/\s/).find(each => each.charAt(0).toUpperCase() === letter)
  const value = word === undefined || word.length === 1 ? Number.NaN : Number(word.slice(1))
  return Number.isFinite(value) ? value : undefined
}

/** A path of the panel: `P"0:/macros"`, `P/macros`, `"0:/part.gcode"` or `part.gcode`. Without the drive. */
export function pathIn(rest: string): string {
  // Without a quotation mark or a folder, a leading P belongs to the name.
  const path = rest.replace(/^P(?=["/]|\d:)/i, '').replace(/^"(.*)"$/s, '$1')
  return path.replace(/^\d:(?=\/|$)/, '')
}

/** What the panel calls the folder of macros. */
export const MACROS_ROOT = '/macros'
/** What the panel calls the root of the G-code files. */
export const FILES_ROOT = '/gcodes'

/** A path of a G-code file or folder below the root `gcodes`; '' for the root itself. Throws ApiError for another root. */
export function gcodePathIn(rest: string): string {
  const path = trimBothOf(pathIn(rest).replace(/^\/?gcodes(?=\/|$)/, ''), '/')
  if (path.split('/').includes('..')) throw new ApiError(400, `The path leaves ${FILES_ROOT}: ${path}`)
  return path
}
