// Finds numbers in the lines of a G-code text: in commands, and in comments that repeat with each layer.
import { decimalIn } from './values.ts'

/** The longest rest of a line, in characters. */
const LONGEST_REST = 100

/**
 * The number after `start` in each line that starts with it, in file order: "G1 Z", "M109 S", ";Z:". Blanks may come
 * before `start`: an indented command is found, a command in a comment or a setting is not. `fits` selects by the number
 * and what follows it in the line.
 */
export function* numbersAfter(
  text: string,
  start: string,
  fits: (rest: string, number: number) => boolean = () => true,
): Generator<number> {
  for (let at = text.indexOf(start); at !== -1; at = text.indexOf(start, at + start.length)) {
    if (!startsLine(text, at)) continue
    const rest = restOfLine(text, at + start.length)
    const number = decimalIn(rest)
    if (number !== undefined && !/^\s/.test(rest) && fits(rest, number)) yield number
  }
}

/** The heights of the commands that move Z before anything else. */
export function zMoves(text: string): Generator<number> {
  return numbersAfter(text, 'G1 Z', rest => /^[\d.]+(?:\s|$)/.test(rest))
}

/** The first of the numbers after `start`. */
export function firstNumberAfter(text: string, start: string): number | undefined {
  return numbersAfter(text, start).next().value ?? undefined
}

/** The largest or smallest of some numbers, undefined for none: an array of them could be too long for Math.max. */
export function extreme(
  numbers: Iterable<number>,
  pick: (a: number, b: number) => number,
): number | undefined {
  let result: number | undefined
  for (const number of numbers) result = result === undefined ? number : pick(result, number)
  return result
}

/** What follows a position in its line, without the line's end. */
export function restOfLine(text: string, at: number): string {
  const rest = text.slice(at, at + LONGEST_REST)
  const end = rest.indexOf('\n')
  const line = end === -1 ? rest : rest.slice(0, end)
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function startsLine(text: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(text.charCodeAt(before))) before--
  return before < 0 || text.charCodeAt(before) === 0x0a
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
