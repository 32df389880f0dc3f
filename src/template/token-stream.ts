// A cursor over the tokens of a template, with the checks that a parser needs.

import { syntaxError, type Token } from './lexer.ts'
import type { Place, TemplateError } from './template-error.ts'

const MAX_DEPTH = 500
/** Depth of a pair of brackets or a block, in links of a chain such as `a + b + c`. */
const NESTING_WEIGHT = 5

/** The tokens not yet parsed. */
export class TokenStream {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  /** `tokens` end with an `eof` token. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get current(): Token {
    // The last token is `eof`, which next() never passes.
    return this.#tokens[this.#at]!
  }

  get place(): Place {
    return this.current.place
  }

  /** Returns the current token and moves to the next one. */
  next(): Token {
    const token = this.current
    if (token.type !== 'eof') this.#at += 1
    return token
  }

  /** Whether the token after the current one is this operator. */
  followedBy(operator: string): boolean {
    const token = this.#tokens[this.#at + 1]
    return token?.type === 'operator' && token.value === operator
  }

  isOperator(...operators: string[]): boolean {
    const token = this.current
    return token.type === 'operator' && operators.includes(token.value)
  }

  isName(...names: string[]): boolean {
    const token = this.current
    return token.type === 'name' && names.includes(token.value)
  }

  skipOperator(operator: string): boolean {
    const found = this.isOperator(operator)
    if (found) this.#at += 1
    return found
  }

  skipName(name: string): boolean {
    const found = this.isName(name)
    if (found) this.#at += 1
    return found
  }

  expectOperator(operator: string): void {
    if (!this.skipOperator(operator)) throw this.unexpected(`'${operator}'`)
  }

  expectName(name: string): void {
    if (!this.skipName(name)) throw this.unexpected(`'${name}'`)
  }

  /** The identifier at the cursor. */
  identifier(what: string): string {
    const token = this.current
    if (token.type !== 'name') throw this.unexpected(what)
    this.#at += 1
    return token.value
  }

  /** Moves past the end of the tag. */
  expectEnd(): void {
    if (this.current.type !== 'end') throw this.unexpected('the end of the tag')
    this.#at += 1
  }

  /** Runs `parse` one level deeper; too many levels are an error instead of a stack overflow, here or in a render. */
  nested<T>(parse: () => T): T {
    const depth = this.#depth
    this.#deepen(NESTING_WEIGHT)
    const result = parse()
    this.#depth = depth
    return result
  }

  /** Counts one more link of a chain of operators, which makes a tree as deep as the chain is long. */
  link(): void {
    this.#deepen(1)
  }

  #deepen(levels: number): void {
    this.#depth += levels
    if (this.#depth > MAX_DEPTH) throw syntaxError('the template is nested too deeply', this.place)
  }

  /** The error for a token in the place of `expected`. */
  unexpected(expected: string): TemplateError {
    return syntaxError(`expected ${expected}, got ${describe(this.current)}`, this.place)
  }
}

function describe(token: Token): string {
  switch (token.type) {
    case 'eof':
      return 'the end of the template'
    case 'end':
      return 'the end of the tag'
    case 'statement':
    case 'expression':
      return 'the start of a tag'
    case 'text':
      return 'text'
    case 'string':
      return 'a string'
    case 'number':
      return 'a number'
    default:
      return `'${token.value}'`
  }
}
