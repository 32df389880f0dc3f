// Rewrites G-code for Happy Hare: values for placeholders, and tool changes with the position that follows them.
import { endOfLine, nextLineWith } from './line-reader.ts'
import { PLACEHOLDER, type Placeholder } from './print-facts.ts'
import type { PlaceholderValue } from './slicer-list.ts'

/** The first line of a file that was processed. */
export const MARK = '; processed by HappyHare'

/** Bytes that are held back at most until the move after a tool change. */
const MAX_HELD = 256 * 1024

const TOOL_ALONE = /^T(\d+)\s*(?:;|$)/
/** A move with X and Y, in any order. */
const MOVE = /^G[01](?=.*\sX(-?[\d.]+))(?=.*\sY(-?[\d.]+))/
/** Lines after which Happy Hare receives a step of the tool change. */
const STEPS = [
  { mark: 'CP TOOLCHANGE WIPE', command: '_MMU_STEP_SET_ACTION STATE=12' },
  { mark: 'CP TOOLCHANGE END', command: '_MMU_STEP_SET_ACTION RESTORE=1' },
]

const G = 'G'.charCodeAt(0)
const T = 'T'.charCodeAt(0)
const SEMICOLON = ';'.charCodeAt(0)

/** How a file is rewritten. */
export interface RewriteOptions {
  readonly values: Readonly<Record<Placeholder, PlaceholderValue>>
  /** Whether tool changes get the position of the next move. */
  readonly insertsNextPosition: boolean
  /** The end of a line. */
  readonly eol: string
  /** The most bytes of the result: hostile files repeat placeholders. */
  readonly maxBytes: number
}

/** Rewrites the parts of one file, in their order. */
export class PlaceholderRewriter {
  readonly #options: RewriteOptions
  #output: string[] = []
  #bytes = 0
  /** The tool change that waits for its move, and the lines since then. */
  #tool: string | null = null
  #held: string[] = []
  #heldBytes = 0

  constructor(options: RewriteOptions) {
    this.#options = options
  }

  /** The first line of the result. */
  start(): string {
    return `${MARK}${this.#options.eol}`
  }

  /** Rewrites a part that starts with a line; returns what is ready. Throws Error for a result that is too large. */
  part(text: string): string {
    const changing = new ChangingLines(text)
    for (let at = 0; at < text.length; ) {
      const next = this.#tool === null ? changing.next(at) : at
      // What needs no change is copied in one piece.
      if (next > at) this.#put(text.slice(at, next))
      at = next
      if (at < text.length) {
        at = endOfLine(text, next)
        this.#line(text.slice(next, at))
      }
    }
    return this.#take()
  }

  /** The end of the result; `tools` are the tools of the print. `isOpen` is true if the last line has no end. */
  end(tools: string, isOpen: boolean): string {
    const { eol } = this.#options
    this.#release(null)
    this.#put(`${isOpen ? eol : ''}; referenced_tools = ${tools}${eol}`)
    return this.#take()
  }

  #line(original: string): void {
    const { eol } = this.#options
    if (original.charCodeAt(0) === SEMICOLON) {
      const step = STEPS.find(({ mark }) => original.includes(mark))
      this.#write(step === undefined ? original : `${withEnd(original, eol)}${step.command}${eol}`)
      return
    }
    const line = original.includes('!') ? this.#filled(original) : original
    const tool = line.charCodeAt(0) === T ? TOOL_ALONE.exec(line)?.[1] : undefined
    if (tool !== undefined) {
      this.#release(null)
      this.#tool = tool
      return
    }
    const move = this.#tool !== null && line.charCodeAt(0) === G ? MOVE.exec(line) : null
    if (move !== null) this.#release(move)
    this.#write(line)
  }

  #filled(line: string): string {
    let quote = ''
    let at = 0
    return line.replace(PLACEHOLDER, (_, name: Placeholder, offset: number) => {
      quote = openQuote(line.slice(at, offset), quote)
      at = offset
      return this.#options.values[name][quote === '' ? 'quoted' : 'bare']
    })
  }

  #write(line: string): void {
    if (this.#tool === null) {
      this.#put(line)
      return
    }
    this.#held.push(line)
    this.#heldBytes += line.length
    if (this.#heldBytes > MAX_HELD) this.#release(null)
  }

  /** Writes the tool change that waits, with the position of the move after it. */
  #release(move: RegExpExecArray | null): void {
    const { insertsNextPosition, eol } = this.#options
    const tool = this.#tool
    if (tool === null) return
    const position = move !== null && insertsNextPosition ? ` NEXT_POS="${move[1]},${move[2]}"` : ''
    this.#put(`MMU_CHANGE_TOOL TOOL=${tool}${position} ; T${tool}${eol}`)
    for (const line of this.#held) this.#put(line)
    this.#tool = null
    this.#held = []
    this.#heldBytes = 0
  }

  #put(text: string): void {
    this.#bytes += text.length
    if (this.#bytes > this.#options.maxBytes)
      throw new Error('the values of its placeholders make it too large')
    this.#output.push(text)
  }

  #take(): string {
    const text = this.#output.join('')
    this.#output = []
    return text
  }
}

/** Finds the lines of a part that may change. */
class ChangingLines {
  readonly #text: string
  readonly #hasPlaceholders: boolean
  #tool = -1
  #step = -1

  constructor(text: string) {
    this.#text = text
    this.#hasPlaceholders = text.includes('!')
  }

  /** The start of the first line at or after `from`, which is one; the length of the part if no line is. */
  next(from: number): number {
    if (this.#hasPlaceholders) return from
    if (this.#tool < from) this.#tool = nextLineWith(this.#text, 'T', from)
    if (this.#step < from) this.#step = this.#nextStep(from)
    return Math.min(this.#tool, this.#step)
  }

  #nextStep(from: number): number {
    const at = this.#text.indexOf('CP TOOLCHANGE', from)
    return at === -1 ? this.#text.length : this.#text.lastIndexOf('\n', at) + 1
  }
}

/** The quote that is open at the end of a text, '' for none; `quote` is the one that is open at its start. */
function openQuote(text: string, quote: string): string {
  let open = quote
  for (const [found] of text.matchAll(/["']/g)) {
    if (open === '') open = found
    else if (open === found) open = ''
  }
  return open
}

function withEnd(line: string, eol: string): string {
  return line.endsWith('\n') ? line : `${line}${eol}`
}
