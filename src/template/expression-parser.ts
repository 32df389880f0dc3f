// Parses the expressions inside tags, with Jinja2's grammar and precedence.

import { syntaxError } from './lexer.ts'
import type { Arguments, Comparison, ComparisonOperator, Expression, NamedCall, Slice } from './nodes.ts'
import { type Place, TemplateError } from './template-error.ts'
import type { TokenStream } from './token-stream.ts'

/** The names that a template may use after `|` and `is`. */
export interface KnownNames {
  hasFilter(name: string): boolean
  hasTest(name: string): boolean
}

const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
])
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const
const NO_ARGUMENTS: Arguments = { positional: [], named: [], spread: undefined, namedSpread: undefined }

/** Whether a name is a constant, which cannot be assigned to. */
export function isConstantName(name: string): boolean {
  return CONSTANTS.has(name)
}

export class ExpressionParser {
  readonly #tokens: TokenStream
  readonly #known: KnownNames
  readonly #onName: (name: string) => void

  /** `onName` is called with the name of every variable that the expressions read. */
  constructor(tokens: TokenStream, known: KnownNames, onName: (name: string) => void) {
    this.#tokens = tokens
    this.#known = known
    this.#onName = onName
  }

  /** One expression, with `a if b else c` unless `choices` is false. */
  expression(choices = true): Expression {
    return this.#tokens.nested(() => (choices ? this.#choice() : this.#or()))
  }

  /** One expression, or several separated by commas, which make a tuple. */
  expressionOrTuple(choices = true): Expression {
    const { place } = this.#tokens
    const first = this.expression(choices)
    if (!this.#tokens.isOperator(',')) return first
    return { type: 'tuple', items: this.#moreItems(first, choices), place }
  }

  /** The filters of `{% filter a|b(1) %}`, without the value they apply to. */
  filterChain(): NamedCall[] {
    const calls = [this.#filterCall()]
    while (this.#tokens.skipOperator('|')) calls.push(this.#filterCall())
    return calls
  }

  #moreItems(first: Expression, choices: boolean): Expression[] {
    const items = [first]
    while (this.#tokens.skipOperator(',')) {
      if (this.#tokens.current.type === 'end' || this.#tokens.isOperator(')')) break
      items.push(this.expression(choices))
    }
    return items
  }

  #choice(): Expression {
    const tokens = this.#tokens
    let result = this.#or()
    while (tokens.isName('if')) {
      tokens.link()
      const { place } = tokens.next()
      const test = this.#or()
      const no = tokens.skipName('else') ? this.expression() : undefined
      result = { type: 'choice', test, yes: result, no, place }
    }
    return result
  }

  #or(): Expression {
    let left = this.#and()
    while (this.#tokens.isName('or')) {
      this.#tokens.link()
      const { place } = this.#tokens.next()
      left = { type: 'or', left, right: this.#and(), place }
    }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.#tokens.isName('and')) {
      this.#tokens.link()
      const { place } = this.#tokens.next()
      left = { type: 'and', left, right: this.#not(), place }
    }
    return left
  }

  #not(): Expression {
    if (!this.#tokens.isName('not')) return this.#compare()
    const { place } = this.#tokens.next()
    return this.#tokens.nested(() => ({ type: 'not', operand: this.#not(), place }))
  }

  #compare(): Expression {
    const { place } = this.#tokens
    const first = this.#sum()
    const rest: Comparison[] = []
    for (let operator = this.#comparison(); operator; operator = this.#comparison()) {
      rest.push({ operator, right: this.#sum() })
    }
    return rest.length > 0 ? { type: 'compare', first, rest, place } : first
  }

  #comparison(): ComparisonOperator | undefined {
    const tokens = this.#tokens
    if (tokens.skipName('in')) return 'in'
    const token = tokens.current
    if (token.type === 'operator') {
      const operator = COMPARISONS.find(each => each === token.value)
      if (operator) tokens.next()
      return operator
    }
    if (!tokens.isName('not')) return undefined
    tokens.next()
    tokens.expectName('in')
    return 'not in'
  }

  #sum(): Expression {
    let left = this.#concat()
    while (this.#tokens.isOperator('+', '-')) {
      this.#tokens.link()
      const operator = this.#tokens.isOperator('+') ? '+' : '-'
      const { place } = this.#tokens.next()
      left = { type: 'arithmetic', operator, left, right: this.#concat(), place }
    }
    return left
  }

  #concat(): Expression {
    const { place } = this.#tokens
    const parts = [this.#product()]
    while (this.#tokens.skipOperator('~')) parts.push(this.#product())
    return parts.length > 1 ? { type: 'concat', parts, place } : parts[0]!
  }

  #product(): Expression {
    let left = this.#power()
    for (;;) {
      const token = this.#tokens.current
      const operator =
        token.type === 'operator' && (['*', '/', '//', '%'] as const).find(o => o === token.value)
      if (!operator) return left
      this.#tokens.link()
      this.#tokens.next()
      left = { type: 'arithmetic', operator, left, right: this.#power(), place: token.place }
    }
  }

  #power(): Expression {
    let left = this.#unary()
    while (this.#tokens.isOperator('**')) {
      this.#tokens.link()
      const { place } = this.#tokens.next()
      left = { type: 'arithmetic', operator: '**', left, right: this.#unary(), place }
    }
    return left
  }

  /** A sign binds tighter than a filter: `-1|abs` is `(-1)|abs`. */
  #unary(filters = true): Expression {
    const operator = this.#tokens.isOperator('-') ? '-' : this.#tokens.isOperator('+') ? '+' : undefined
    let value: Expression
    if (operator) {
      const { place } = this.#tokens.next()
      value = this.#tokens.nested(() => ({ type: 'sign', operator, operand: this.#unary(false), place }))
    } else {
      value = this.#primary()
    }
    value = this.#postfix(value)
    return filters ? this.#filters(value) : value
  }

  #primary(): Expression {
    const token = this.#tokens.current
    const { place } = token
    if (token.type === 'name') {
      this.#tokens.next()
      if (CONSTANTS.has(token.value)) return { type: 'literal', value: CONSTANTS.get(token.value), place }
      this.#onName(token.value)
      return { type: 'name', name: token.value, place }
    }
    if (token.type === 'string') return { type: 'literal', value: this.#adjacentStrings(), place }
    if (token.type === 'number') {
      this.#tokens.next()
      return { type: 'literal', value: token.value, place }
    }
    if (this.#tokens.skipOperator('(')) return this.#parenthesized(place)
    if (this.#tokens.skipOperator('[')) return { type: 'list', items: this.#list(), place }
    if (this.#tokens.skipOperator('{')) return { type: 'dict', entries: this.#dict(), place }
    throw this.#tokens.unexpected('an expression')
  }

  #adjacentStrings(): string {
    let text = ''
    for (let token = this.#tokens.current; token.type === 'string'; token = this.#tokens.current) {
      text += token.value
      this.#tokens.next()
    }
    return text
  }

  #parenthesized(place: Place): Expression {
    if (this.#tokens.skipOperator(')')) return { type: 'tuple', items: [], place }
    const inner = this.expressionOrTuple()
    this.#tokens.expectOperator(')')
    return inner
  }

  #list(): Expression[] {
    const items: Expression[] = []
    while (!this.#tokens.skipOperator(']')) {
      if (items.length > 0) this.#tokens.expectOperator(',')
      if (this.#tokens.skipOperator(']')) break
      items.push(this.expression())
    }
    return items
  }

  #dict(): [Expression, Expression][] {
    const entries: [Expression, Expression][] = []
    while (!this.#tokens.skipOperator('}')) {
      if (entries.length > 0) this.#tokens.expectOperator(',')
      if (this.#tokens.skipOperator('}')) break
      const key = this.expression()
      this.#tokens.expectOperator(':')
      entries.push([key, this.expression()])
    }
    return entries
  }

  #postfix(start: Expression): Expression {
    let value = start
    while (this.#tokens.isOperator('.', '[', '(')) {
      this.#tokens.link()
      const { place } = this.#tokens
      if (this.#tokens.skipOperator('.')) value = this.#member(value, place)
      else if (this.#tokens.skipOperator('[')) value = this.#subscript(value, place)
      else value = { type: 'call', callee: value, args: this.#arguments(), place }
    }
    return value
  }

  #filters(start: Expression): Expression {
    let value = start
    while (this.#tokens.isOperator('|', '(') || this.#tokens.isName('is')) {
      this.#tokens.link()
      const { place } = this.#tokens
      if (this.#tokens.skipOperator('|')) value = { type: 'filter', value, call: this.#filterCall(), place }
      else if (this.#tokens.skipName('is')) value = this.#test(value)
      else value = { type: 'call', callee: value, args: this.#arguments(), place }
    }
    return value
  }

  #member(object: Expression, place: Place): Expression {
    const token = this.#tokens.next()
    if (token.type === 'name') return { type: 'attribute', object, name: token.value, place }
    if (token.type === 'number' && typeof token.value === 'number') {
      return { type: 'item', object, key: { type: 'literal', value: token.value, place }, place }
    }
    throw syntaxError("expected a name or a number after '.'", place)
  }

  #subscript(object: Expression, place: Place): Expression {
    const keys: (Expression | Slice)[] = []
    while (!this.#tokens.skipOperator(']')) {
      if (keys.length > 0) this.#tokens.expectOperator(',')
      keys.push(this.#key())
    }
    const [key] = keys
    if (!key) throw syntaxError('expected a key between the brackets', place)
    if (keys.length === 1)
      return 'type' in key ? { type: 'item', object, key, place } : slice(object, key, place)
    const items = keys.map(each => {
      if ('type' in each) return each
      throw syntaxError('only one slice is allowed between brackets', place)
    })
    return { type: 'item', object, key: { type: 'tuple', items, place }, place }
  }

  #key(): Expression | Slice {
    const bound = () => (this.#tokens.isOperator(':', ']', ',') ? undefined : this.expression())
    const start = bound()
    if (!this.#tokens.skipOperator(':')) {
      if (start) return start
      throw this.#tokens.unexpected('an expression')
    }
    const stop = bound()
    return { start, stop, step: this.#tokens.skipOperator(':') ? bound() : undefined }
  }

  #filterCall(): NamedCall {
    const { place } = this.#tokens
    const name = this.#dottedName('the name of a filter')
    if (!this.#known.hasFilter(name)) {
      throw new TemplateError('TemplateAssertionError', `No filter named '${name}'.`, place)
    }
    return { name, args: this.#tokens.isOperator('(') ? this.#arguments() : NO_ARGUMENTS, place }
  }

  #test(value: Expression): Expression {
    const { place } = this.#tokens
    const negated = this.#tokens.skipName('not')
    const name = this.#dottedName('the name of a test')
    if (!this.#known.hasTest(name))
      throw new TemplateError('TemplateAssertionError', `No test named '${name}'.`, place)
    const test: Expression = {
      type: 'test',
      value,
      call: { name, args: this.#testArguments(), place },
      place,
    }
    return negated ? { type: 'not', operand: test, place } : test
  }

  /** A test takes its arguments in parentheses, or one simple value without them (`is divisibleby 3`). */
  #testArguments(): Arguments {
    if (this.#tokens.isOperator('(')) return this.#arguments()
    if (this.#tokens.isName('is'))
      throw syntaxError('You cannot chain multiple tests with is', this.#tokens.place)
    const { type } = this.#tokens.current
    const starts =
      type === 'name' || type === 'string' || type === 'number' || this.#tokens.isOperator('[', '{')
    if (!starts || this.#tokens.isName('else', 'or', 'and', 'if', 'in', 'not')) return NO_ARGUMENTS
    return { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] }
  }

  #dottedName(what: string): string {
    let name = this.#tokens.identifier(what)
    while (this.#tokens.skipOperator('.')) name += `.${this.#tokens.identifier(what)}`
    return name
  }

  #arguments(): Arguments {
    const tokens = this.#tokens
    const positional: Expression[] = []
    const named: [string, Expression][] = []
    let spread: Expression | undefined
    let namedSpread: Expression | undefined
    tokens.expectOperator('(')
    for (let first = true; !tokens.skipOperator(')'); first = false) {
      if (!first) tokens.expectOperator(',')
      if (!first && tokens.skipOperator(')')) break
      const { place } = tokens
      if (tokens.skipOperator('*') && !spread && !namedSpread) spread = this.expression()
      else if (tokens.skipOperator('**') && !namedSpread) namedSpread = this.expression()
      else if (tokens.current.type === 'name' && tokens.followedBy('=') && !namedSpread)
        named.push(this.#namedArgument())
      else if (named.length === 0 && !spread && !namedSpread) positional.push(this.expression())
      else throw syntaxError('invalid syntax for function call expression', place)
    }
    return { positional, named, spread, namedSpread }
  }

  #namedArgument(): [string, Expression] {
    const name = this.#tokens.identifier('the name of an argument')
    this.#tokens.expectOperator('=')
    return [name, this.expression()]
  }
}

function slice(object: Expression, bounds: Slice, place: Place): Expression {
  return { type: 'slice', object, bounds, place }
}
