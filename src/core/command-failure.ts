// Why a program failed, as a text that fits into an error.
import type { CommandResult } from './run-command.ts'

/** Longer texts are cut. */
const MAX_CHARACTERS = 500

/** Why `program` failed, on one line: its own message, or else how it ended. */
export function commandFailure(program: string, { code, stdout, stderr }: CommandResult): string {
  const text = (stderr.trim() || stdout.trim()).replace(/\s+/g, ' ')
  if (text === '')
    return code === null ? `${program} was ended by a signal` : `${program} ended with code ${code}`
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}
