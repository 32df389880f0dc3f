// Follows the moves of a G-code file to find where material is extruded.

const MM_PER_INCH = 25.4
const POWERS = Float64Array.from({ length: 20 }, (_, i) => 10 ** i)
/** Steps in which a full circle is followed. */
const ARC_STEPS = 24

const letter = (name: string) => name.charCodeAt(0)
const A = letter('A')
const E = letter('E')
const G = letter('G')
const I = letter('I')
const J = letter('J')
const M = letter('M')
const X = letter('X')
const Y = letter('Y')
const NEWLINE = 0x0a

/** Receives both ends of each extruding move, and points along arcs. */
export interface ExtrusionSink {
  add(x: number, y: number): void
  /** The end of a move, for the mean. */
  weigh(x: number, y: number): void
}

/** The state of the machine that moves depend on: position, extruder, and the modes of G90/G91, M82/M83 and G20/G21. */
export class Motion {
  #x = Number.NaN
  #y = Number.NaN
  #e = 0
  #relative = false
  #relativeExtruder = false
  #scale = 1
  /** The arguments of the current command, NaN for missing ones. */
  readonly #word = new Float64Array(128)
  #at = 0
  #hasWord = false

  /** Reads the line at `start`, reports what it extrudes to `sink`, and returns where its text ends. */
  read(bytes: Uint8Array, start: number, end: number, sink: ExtrusionSink | undefined): number {
    const letter = bytes[start]!
    this.#at = start + 1
    if (letter === G) {
      const code = this.#number(bytes, end)
      if (code >= 0 && code <= 3) this.#move(bytes, end, code, sink)
      else if (code === 92) this.#setPosition(bytes, end)
      else if (code === 90 || code === 91) this.#relative = code === 91
      else if (code === 20 || code === 21) this.#scale = code === 20 ? MM_PER_INCH : 1
    } else if (letter === M) {
      const code = this.#number(bytes, end)
      if (code === 82 || code === 83) this.#relativeExtruder = code === 83
    }
    return this.#at
  }

  #move(bytes: Uint8Array, end: number, code: number, sink: ExtrusionSink | undefined): void {
    this.#words(bytes, end)
    const word = this.#word
    const x = this.#target(this.#x, word[X]!)
    const y = this.#target(this.#y, word[Y]!)
    const extruded = this.#extruded(word[E]!)
    const moved = given(word[X]!) || given(word[Y]!) || code >= 2
    if (sink && extruded && moved && given(x) && given(y)) {
      if (given(this.#x) && given(this.#y)) sink.add(this.#x, this.#y)
      if (code >= 2) this.#followArc(sink, x, y, code === 2)
      sink.add(x, y)
      sink.weigh(x, y)
    }
    this.#x = x
    this.#y = y
  }

  #target(now: number, word: number): number {
    if (!given(word)) return now
    return this.#relative ? now + word * this.#scale : word * this.#scale
  }

  #extruded(word: number): boolean {
    if (!given(word)) return false
    if (this.#relativeExtruder || this.#relative) return word > 0
    const forward = word > this.#e
    this.#e = word
    return forward
  }

  #setPosition(bytes: Uint8Array, end: number): void {
    this.#words(bytes, end)
    const word = this.#word
    if (given(word[X]!)) this.#x = word[X]! * this.#scale
    if (given(word[Y]!)) this.#y = word[Y]! * this.#scale
    if (given(word[E]!)) this.#e = word[E]!
  }

  /** An arc can extend beyond its ends. Its centre is relative to its start. */
  #followArc(sink: ExtrusionSink, x: number, y: number, clockwise: boolean): void {
    const [i, j] = [this.#word[I]!, this.#word[J]!].map(word => (given(word) ? word * this.#scale : 0))
    const radius = Math.hypot(i!, j!)
    if (!(radius > 0)) return
    const [centreX, centreY] = [this.#x + i!, this.#y + j!]
    const from = Math.atan2(-j!, -i!)
    const to = Math.atan2(y - centreY, x - centreX)
    const turn = 2 * Math.PI
    let sweep = (((clockwise ? from - to : to - from) % turn) + turn) % turn
    if (sweep < 1e-9) sweep = turn
    const steps = Math.ceil((sweep / turn) * ARC_STEPS)
    for (let step = 1; step < steps; step++) {
      const angle = from + ((clockwise ? -1 : 1) * sweep * step) / steps
      sink.add(centreX + radius * Math.cos(angle), centreY + radius * Math.sin(angle))
    }
  }

  #words(bytes: Uint8Array, end: number): void {
    const word = this.#word
    word[X] = word[Y] = word[E] = word[I] = word[J] = Number.NaN
    let at = this.#at
    while (at < end) {
      const byte = bytes[at]! & 0xdf
      if (byte >= A && byte <= 0x5a) {
        this.#at = at + 1
        const value = this.#number(bytes, end)
        if (this.#hasWord) word[byte] = value
        at = this.#at
      } else if (bytes[at] === 0x3b || bytes[at] === NEWLINE) break
      else at++
    }
    this.#at = at
  }

  /** The number at the current position, NaN without digits. */
  #number(bytes: Uint8Array, end: number): number {
    let at = this.#at
    const negative = bytes[at] === 0x2d
    if (negative || bytes[at] === 0x2b) at++
    let digits = 0
    let value = 0
    let decimals = -1
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + (byte - 0x30)
        digits++
        if (decimals >= 0) decimals++
      } else if (byte === 0x2e && decimals < 0) decimals = 0
      else break
    }
    this.#at = at
    this.#hasWord = digits > 0
    if (digits === 0) return Number.NaN
    if (decimals > 0) value /= POWERS[decimals] ?? Number.POSITIVE_INFINITY
    return negative ? -value : value
  }
}

function given(word: number): boolean {
  return !Number.isNaN(word)
}
