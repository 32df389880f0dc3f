// Breaks a line of text into lines of a given width, for the filter `wordwrap`.

/** Where lines break: at white space, after hyphens if `hyphens`, and inside of too long words if `breakWords`. */
export interface WrapStyle {
  readonly width: number
  readonly breakWords: boolean
  readonly hyphens: boolean
}

/** The lines of one line of text; an empty line stays one. */
export function wrapLine(line: string, style: WrapStyle): string[] {
  const lines: string[] = []
  const waiting = chunks(line, style.hyphens).reverse()
  while (waiting.length > 0) {
    if (lines.length > 0 && isBlank(waiting)) waiting.pop()
    const row = fillRow(waiting, style)
    if (isBlank(row)) row.pop()
    if (row.length > 0) lines.push(row.join(''))
  }
  return lines.length > 0 ? lines : ['']
}

function isBlank(parts: readonly string[]): boolean {
  return parts.at(-1)?.trim() === ''
}

/** Takes from the end of `waiting` what fits into one line. */
function fillRow(waiting: string[], style: WrapStyle): string[] {
  const width = Math.max(1, style.width)
  const row: string[] = []
  let used = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (used + next.length <= width) {
      row.push(next)
      used += next.length
      continue
    }
    const tooLong = next.length > width
    if (tooLong && !style.breakWords && row.length === 0) return [next]
    const cut = tooLong && style.breakWords ? width - used : 0
    // Even an empty piece ends the line: the white space before it stays, as Python's textwrap leaves it.
    if (tooLong && style.breakWords) row.push(next.slice(0, cut))
    waiting.push(next.slice(cut))
    break
  }
  return row
}

function chunks(line: string, hyphens: boolean): string[] {
  const words = line.split(/(\s+)/).filter(Boolean)
  return hyphens ? words.flatMap(word => word.split(/(?<=\p{L}-)(?=\p{L})/u)) : words
}
