// Breaks a line of text into lines of a given width, for the filter `wordwrap`.

/** How to break: at white space, after hyphens if `hyphens`, and inside of too long words if `breakWords`. */
export interface WrapStyle {
  readonly width: number
  readonly breakWords: boolean
  readonly hyphens: boolean
}

/** The lines of one line of text; an empty line stays one. */
export function wrapLine(line: string, style: WrapStyle): string[] {
  const width = Math.max(1, style.width)
  const lines: string[] = []
  let current = ''
  const flush = () => {
    if (current.trimEnd() !== '') lines.push(current.trimEnd())
    current = ''
  }
  for (const chunk of chunks(line, style.hyphens)) {
    if (current.length + chunk.length > width && chunk.trim() !== '') flush()
    let rest = current === '' && lines.length > 0 ? chunk.trimStart() : chunk
    for (; rest.length > width && style.breakWords; rest = rest.slice(width)) lines.push(rest.slice(0, width))
    current += rest
  }
  flush()
  return lines.length > 0 ? lines : ['']
}

function chunks(line: string, hyphens: boolean): string[] {
  const words = line.split(/(\s+)/).filter(Boolean)
  return hyphens ? words.flatMap(word => word.split(/(?<=\p{L}-)(?=\p{L})/u)) : words
}
