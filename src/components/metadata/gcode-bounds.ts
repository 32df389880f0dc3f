// Finds the first and the last command of a G-code file, from which clients compute the progress of a print.

/** A command line. The line after a command without arguments belongs to it, see `afterLastCommand`. */
const COMMAND = /\n[MG]\d{1,20}\s[^\n]*\n/

/** Offset of the line break before the first line that contains an M or G command, if that line is not the file's first. */
export function firstCommand(head: string): number | undefined {
  return COMMAND.exec(head)?.index
}

/**
 * Offset, in `tail`, after the last command. The line after a command without arguments is part of it, as in Moonraker:
 * if a file ends with "M107" and the line of a macro, the result is the end of the macro.
 */
export function afterLastCommand(tail: string): number | undefined {
  const command = new RegExp(COMMAND.source, 'y')
  let m = tail.lastIndexOf('\nM')
  let g = tail.lastIndexOf('\nG')
  for (let at = Math.max(m, g); at !== -1; at = Math.max(m, g)) {
    command.lastIndex = at
    if (command.test(tail)) return command.lastIndex
    if (at === m) m = lastBefore(tail, '\nM', at)
    else g = lastBefore(tail, '\nG', at)
  }
  return undefined
}

function lastBefore(text: string, what: string, at: number): number {
  return at === 0 ? -1 : text.lastIndexOf(what, at - 1)
}
