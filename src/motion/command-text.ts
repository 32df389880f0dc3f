// The text of a G-code line: the name of its command, and its parameters of either style.

/** Whether a name is a letter and a number, as `G28` or `T0`. */
export function isTraditional(name: string): boolean {
  return /^[A-Z][-+]?[0-9.]+$/.test(name)
}

/**
 * The command of a line in capitals; '' for an empty or comment line.
 * It is a run of letters and underscores with everything up to the next letter: `G1 X5` is `G1`, `SET_PIN PIN=a` is
 * `SET_PIN`.
 */
export function commandName(line: string): string {
  let start = 0
  let end = nameEnd(line, start)
  const first = line.charCodeAt(0) | 32
  if (first === 0x6e && end > 1 && isDigit(line.charCodeAt(1))) {
    // The command follows the line number.
    start = end
    end = nameEnd(line, start)
  }
  return line.slice(start, end).trim().toUpperCase()
}

function nameEnd(line: string, start: number): number {
  let at = start
  while (at < line.length && !isWord(line.charCodeAt(at))) {
    if (line.charCodeAt(at) === 0x3b) return at
    at++
  }
  while (at < line.length && isWord(line.charCodeAt(at))) at++
  while (at < line.length) {
    const char = line.charCodeAt(at)
    if (isWord(char) || char === 0x2a || char === 0x3b) break
    at++
  }
  return at
}

function isWord(char: number): boolean {
  return (char >= 65 && char <= 90) || (char >= 97 && char <= 122) || char === 95
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57
}

/** A number as Python's float() reads it; NaN for anything else. */
export function parseNumber(text: string): number {
  const trimmed = text.trim()
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN
}

/** The parameters of a traditional command by their letters in capitals. */
export function letterParams(line: string): Map<string, string> {
  const params = new Map<string, string>()
  const code = line.split(';', 1)[0]!.toUpperCase()
  for (const [, key, value] of code.matchAll(/([A-Z_]+|\*)([^A-Z_*]*)/g)) params.set(key!, value!.trim())
  return params
}

/** The parameters `KEY=VALUE` of an extended command; undefined for a malformed line. */
export function keyParams(line: string): Map<string, string> | undefined {
  const rest = line.replace(/^\s*(N\d+\s*)?[A-Za-z_][A-Za-z0-9_]*\s*/, '')
  const params = new Map<string, string>()
  const words = shellWords(rest)
  if (words === undefined) return undefined
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals === -1) return undefined
    params.set(word.slice(0, equals).toUpperCase(), word.slice(equals + 1))
  }
  return params
}

/** Words split as in a shell: with quotes, backslashes, and comments from `#` or `;` on; undefined for an open quote. */
function shellWords(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (quote !== '') {
      if (char === quote) quote = ''
      else if (char === '\\' && quote === '"' && '"\\'.includes(text[at + 1] ?? ' ')) word += text[++at]!
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\') word = (word ?? '') + (text[++at] ?? '')
    else if (char === '#' || char === ';') break
    else if (!/\s/.test(char)) word = (word ?? '') + char
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (quote !== '') return undefined
  if (word !== undefined) words.push(word)
  return words
}
