// Where the commands of a G-code file begin and end, which clients use to show the progress of a print.

const COMMAND = /\n[MG]\d{1,20}\s[^\n]*\n/
const COMMAND_LINE = /^[MG]\d{1,20}\s/
const BARE_COMMAND = /^[MG]\d{1,20}$/
const LONGEST_COMMAND = 256

/** Offset of the line break before the first line that holds an M or G command, if that line is not the file's first. */
export function firstCommand(head: string): number | undefined {
  return COMMAND.exec(head)?.index
}

/**
 * Offset, in `tail`, after the last command. A line after a command without arguments still counts as part of it:
 * files end with such lines as "M107" and a macro, and clients have always got the end of the macro.
 */
export function afterLastCommand(tail: string): number | undefined {
  let end = tail.lastIndexOf('\n')
  while (end > 0) {
    const start = tail.lastIndexOf('\n', end - 1)
    if (start === -1) return undefined
    if (lineFits(tail, start, end, COMMAND_LINE)) return end + 1
    const before = start === 0 ? -1 : tail.lastIndexOf('\n', start - 1)
    if (before !== -1 && lineFits(tail, before, start, BARE_COMMAND)) return end + 1
    end = start
  }
  return undefined
}

/** Tests the line between two line breaks; looks at its first letter first, for files of a million lines. */
function lineFits(text: string, start: number, end: number, pattern: RegExp): boolean {
  const first = text.charCodeAt(start + 1)
  if (first !== 0x4d && first !== 0x47) return false
  return pattern.test(text.slice(start + 1, Math.min(end, start + LONGEST_COMMAND)))
}
