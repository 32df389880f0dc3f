// Reads the axis words of G0 and G1 without allocations: a print has hundreds of thousands of such lines.

const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15]

const SEMICOLON = 0x3b
const STAR = 0x2a

/** The index of a letter's value; -1 for letters that a move does not use. */
function slotOf(letter: number): number {
  switch (letter | 32) {
    case 0x78: // x
      return 0
    case 0x79: // y
      return 1
    case 0x7a: // z
      return 2
    case 0x65: // e
      return 3
    case 0x66: // f
      return 4
    default:
      return -1
  }
}

/** Whether it belongs to a word: a letter or an underscore. */
function isLetter(char: number): boolean {
  const letter = char | 32
  return (letter >= 0x61 && letter <= 0x7a) || char === 0x5f
}

/** The X, Y, Z, E and F of one line; NaN for a missing word. One instance reads many lines. */
export class MoveWords {
  readonly values = new Float64Array(5)
  #at = 0

  /** Reads a line such as `G1 X1.5 E.2 F3000 ; comment`. Returns false for a word that is not a number. */
  read(line: string): boolean {
    this.values.fill(Number.NaN)
    this.#at = this.#start(line)
    const length = line.length
    while (this.#at < length) {
      const char = line.charCodeAt(this.#at)
      if (char === SEMICOLON || char === STAR) return true
      if (!isLetter(char)) {
        this.#at++
        continue
      }
      let at = this.#at + 1
      while (at < length && isLetter(line.charCodeAt(at))) at++
      // Several letters are one word, and no axis: `Xabc`.
      const slot = at === this.#at + 1 ? slotOf(char) : -1
      this.#at = at
      const value = this.#number(line)
      if (slot === -1) continue
      if (Number.isNaN(value)) return false
      this.values[slot] = value
    }
    return true
  }

  // The index after the line number, if any, and the command.
  #start(line: string): number {
    let at = 0
    let words = (line.charCodeAt(0) | 32) === 0x6e ? 2 : 1
    while (at < line.length && words > 0) {
      at++
      const letter = line.charCodeAt(at) | 32
      if (letter >= 0x61 && letter <= 0x7a) words--
    }
    return at
  }

  #number(line: string): number {
    let at = this.#at
    while (line.charCodeAt(at) === 0x20) at++
    let char = line.charCodeAt(at)
    const negative = char === 0x2d
    if (negative || char === 0x2b) char = line.charCodeAt(++at)
    let mantissa = 0
    let digits = 0
    let decimals = -1
    for (; ; char = line.charCodeAt(++at)) {
      if (char >= 0x30 && char <= 0x39) {
        mantissa = mantissa * 10 + char - 0x30
        digits++
        if (decimals >= 0) decimals++
      } else if (char === 0x2e && decimals < 0) decimals = 0
      else break
    }
    const start = this.#at
    const end = at
    while (at < line.length && line.charCodeAt(at) <= 0x20) at++
    this.#at = at
    const next = at < line.length ? line.charCodeAt(at) : SEMICOLON
    // Nothing may follow a number but the next word, a checksum or a comment.
    if (digits === 0 || !(isLetter(next) || next === SEMICOLON || next === STAR)) return Number.NaN
    // Up to 15 digits both parts are exact, so the quotient is the nearest double.
    if (digits > 15) return Number(line.slice(start, end))
    const value = decimals > 0 ? mantissa / POWERS[decimals]! : mantissa
    return negative ? -value : value
  }
}
