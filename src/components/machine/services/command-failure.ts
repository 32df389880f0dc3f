// What a program has said, in a form that fits into an error.
import type { CommandResult } from '../../../core/run-command.ts'

/** Longer texts are cut. */
const MAX_CHARACTERS = 500

/** Why `program` failed, on one line, in its own words if it said any. */
export function commandFailure(program: string, { code, stdout, stderr }: CommandResult): string {
  const text = (stderr.trim() || stdout.trim()).replace(/\s+/g, ' ')
  if (text === '') return code === null ? `${program} was ended` : `${program} ended with ${code}`
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}
