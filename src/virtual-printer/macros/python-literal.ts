// Python literals, the format of Klipper's macro variables and saved variables.

/** Reads a Python literal: numbers, texts, True, False, None, lists, tuples, dicts. Throws SyntaxError. */
export function parseLiteral(text: string): unknown {
  const reader = new LiteralReader(text)
  const value = reader.value()
  reader.end()
  return value
}

/** Writes a value as a Python literal. */
export function formatLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(formatLiteral).join(', ')}]`
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no Python literal`)
  return `{${Object.entries(value)
    .map(([key, item]) => `${quote(key)}: ${formatLiteral(item)}`)
    .join(', ')}}`
}

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(mark, `\\${mark}`)
  return mark + escaped + mark
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['True', true],
  ['False', false],
  ['None', null],
])
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' }
const NUMBER_FORM = /[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/

class LiteralReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  end(): void {
    this.#space()
    if (this.#at < this.#text.length) throw this.#error()
  }

  value(): unknown {
    this.#space()
    const char = this.#text[this.#at] ?? ''
    if (char === '"' || char === "'") return this.#strings()
    if (char === '[') return this.#items(']')
    if (char === '(') return this.#parenthesis()
    if (char === '{') return this.#dict()
    const word = this.#word()
    return word === undefined ? this.#number() : word.value
  }

  // Adjacent texts are one.
  #strings(): string {
    let text = ''
    while (this.#peek('"') || this.#peek("'")) text += this.#string()
    return text
  }

  #string(): string {
    const mark = this.#text[this.#at++]
    let text = ''
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]!
      if (char === mark) {
        this.#at++
        return text
      }
      if (char !== '\\') text += char
      else {
        const escaped = this.#text[++this.#at] ?? ''
        text += ESCAPES[escaped] ?? ('\'"\\'.includes(escaped) ? escaped : `\\${escaped}`)
      }
    }
    throw this.#error()
  }

  #items(close: string): unknown[] {
    this.#at++
    const items: unknown[] = []
    while (!this.#take(close)) {
      items.push(this.value())
      if (!this.#take(',') && !this.#peek(close)) throw this.#error()
    }
    return items
  }

  // A value in parentheses is itself; a comma makes a tuple.
  #parenthesis(): unknown {
    const start = this.#at
    const items = this.#items(')')
    const single = items.length === 1 && !/,\s*\)$/.test(this.#text.slice(start, this.#at))
    return single ? items[0] : items
  }

  #dict(): Record<string, unknown> {
    this.#at++
    const dict: Record<string, unknown> = {}
    while (!this.#take('}')) {
      const key = this.value()
      if (!this.#take(':')) throw this.#error()
      Object.defineProperty(dict, String(key), {
        value: this.value(),
        enumerable: true,
        configurable: true,
        writable: true,
      })
      if (!this.#take(',') && !this.#peek('}')) throw this.#error()
    }
    return dict
  }

  #word(): { value: boolean | null } | undefined {
    const word = /[A-Za-z_]\w*/y
    word.lastIndex = this.#at
    const found = word.exec(this.#text)?.[0]
    if (found === undefined) return undefined
    const value = WORDS.get(found)
    if (value === undefined) throw this.#error()
    this.#at += found.length
    return { value }
  }

  #number(): number {
    const form = new RegExp(NUMBER_FORM, 'y')
    form.lastIndex = this.#at
    const found = form.exec(this.#text)?.[0]
    if (found === undefined) throw this.#error()
    this.#at += found.length
    const negative = found.startsWith('-')
    const value = Number(found.replaceAll('_', '').replace(/^[-+]/, ''))
    return negative ? -value : value
  }

  #peek(char: string): boolean {
    this.#space()
    return this.#text[this.#at] === char
  }

  #take(char: string): boolean {
    const there = this.#peek(char)
    if (there) this.#at++
    return there
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #error(): SyntaxError {
    return new SyntaxError(`'${this.#text}' is not a Python literal (at character ${this.#at + 1})`)
  }
}
