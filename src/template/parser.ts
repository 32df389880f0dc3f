// Parses a template: the statements between `{%` and `%}`, and the text and expressions around them.

import { ExpressionParser, isConstantName, type KnownNames } from './expression-parser.ts'
import { type Delimiters, syntaxError, tokenize } from './lexer.ts'
import type { Expression, MacroShape, Statement, Target } from './nodes.ts'
import type { Place } from './template-error.ts'
import { TokenStream } from './token-stream.ts'

/** Parses a template's source. Throws TemplateError with the line of the error. */
export function parseTemplate(source: string, delimiters: Delimiters, known: KnownNames): Statement[] {
  return new Parser(new TokenStream(tokenize(source, delimiters)), known).template()
}

const NOT_SUPPORTED = [
  'include',
  'import',
  'from',
  'extends',
  'block',
  'autoescape',
  'trans',
  'debug',
  'print',
]

interface Uses {
  varargs: boolean
  kwargs: boolean
  caller: boolean
}

/** A statement that contains others: its name and line for messages, and the tags that end or continue it. */
interface Block {
  readonly name: string
  readonly place: Place
  readonly ends: readonly string[]
}

class Parser {
  readonly #tokens: TokenStream
  readonly #expressions: ExpressionParser
  /** The macros around the cursor, from the outside in. */
  readonly #macros: Uses[] = []
  #loops = 0

  constructor(tokens: TokenStream, known: KnownNames) {
    this.#tokens = tokens
    this.#expressions = new ExpressionParser(tokens, known, name => this.#noteName(name))
  }

  template(): Statement[] {
    return this.#statements(undefined)
  }

  #noteName(name: string): void {
    if (name !== 'varargs' && name !== 'kwargs' && name !== 'caller') return
    for (const uses of this.#macros) uses[name] = true
  }

  /** Parses up to one of the tags that end `block`, leaving the cursor on its name. */
  #statements(block: Block | undefined): Statement[] {
    const statements: Statement[] = []
    for (;;) {
      const token = this.#tokens.next()
      const { place } = token
      if (token.type === 'text') statements.push({ type: 'text', text: token.value, place })
      else if (token.type === 'expression') statements.push(this.#print(place))
      else if (token.type === 'statement') {
        if (block && this.#tokens.isName(...block.ends)) return statements
        statements.push(this.#tokens.nested(() => this.#statement()))
      } else break
    }
    if (!block) return statements
    const needed = block.ends.map(name => `'${name}'`).join(' or ')
    throw syntaxError(
      `'${block.name}' on line ${block.place.line} needs ${needed} before the template ends`,
      this.#tokens.place,
    )
  }

  #print(place: Place): Statement {
    const value = this.#expressions.expressionOrTuple()
    this.#tokens.expectEnd()
    return { type: 'print', value, place }
  }

  #statement(): Statement {
    const { place } = this.#tokens
    const name = this.#tokens.identifier('the name of a tag')
    switch (name) {
      case 'if':
        return this.#if(place)
      case 'for':
        return this.#for(place)
      case 'set':
        return this.#set(place)
      case 'do':
        return this.#do(place)
      case 'macro':
        return this.#macro(place)
      case 'call':
        return this.#call(place)
      case 'filter':
        return this.#filter(place)
      case 'with':
        return this.#with(place)
      case 'break':
      case 'continue':
        return this.#jump(name, place)
      default:
        if (NOT_SUPPORTED.includes(name)) throw syntaxError(`the tag '${name}' is not supported here`, place)
        throw syntaxError(`Encountered unknown tag '${name}'.`, place)
    }
  }

  /** Ends the opening tag, parses its content, and returns the name of the tag that follows. */
  #body(block: Block): { body: Statement[]; end: string } {
    this.#tokens.expectEnd()
    const body = this.#statements(block)
    return { body, end: this.#tokens.identifier('the name of a tag') }
  }

  #if(place: Place): Statement {
    const branches: { test: Expression; body: Statement[] }[] = []
    let otherwise: Statement[] = []
    for (let end = 'elif'; end !== 'endif'; ) {
      const test = end === 'elif' ? this.#expressions.expressionOrTuple(false) : undefined
      const ends = test ? ['elif', 'else', 'endif'] : ['endif']
      const part = this.#body({ name: 'if', place, ends })
      if (test) branches.push({ test, body: part.body })
      else otherwise = part.body
      end = part.end
    }
    this.#tokens.expectEnd()
    return { type: 'if', branches, otherwise, place }
  }

  #for(place: Place): Statement {
    const target = this.#target()
    this.#tokens.expectName('in')
    const source = this.#expressions.expressionOrTuple(false)
    const filter = this.#tokens.skipName('if') ? this.#expressions.expression() : undefined
    if (this.#tokens.isName('recursive')) throw syntaxError("'recursive' loops are not supported here", place)
    this.#loops += 1
    const { body, end } = this.#body({ name: 'for', place, ends: ['else', 'endfor'] })
    this.#loops -= 1
    const otherwise = end === 'else' ? this.#body({ name: 'for', place, ends: ['endfor'] }).body : []
    this.#tokens.expectEnd()
    return { type: 'for', target, source, filter, body, otherwise, place }
  }

  #set(place: Place): Statement {
    const target = this.#target()
    if (this.#tokens.skipOperator('=')) {
      const value = this.#expressions.expressionOrTuple()
      this.#tokens.expectEnd()
      return { type: 'set', target, value, place }
    }
    const filters = this.#tokens.skipOperator('|') ? this.#expressions.filterChain() : []
    const { body } = this.#body({ name: 'set', place, ends: ['endset'] })
    this.#tokens.expectEnd()
    return { type: 'set_block', target, filters, body, place }
  }

  #do(place: Place): Statement {
    const value = this.#expressions.expressionOrTuple()
    this.#tokens.expectEnd()
    return { type: 'do', value, place }
  }

  #filter(place: Place): Statement {
    const filters = this.#expressions.filterChain()
    const { body } = this.#body({ name: 'filter', place, ends: ['endfilter'] })
    this.#tokens.expectEnd()
    return { type: 'filter_block', filters, body, place }
  }

  #with(place: Place): Statement {
    const bindings: [Target, Expression][] = []
    while (this.#tokens.current.type !== 'end') {
      if (bindings.length > 0) this.#tokens.expectOperator(',')
      const target = this.#singleTarget()
      this.#tokens.expectOperator('=')
      bindings.push([target, this.#expressions.expression()])
    }
    const { body } = this.#body({ name: 'with', place, ends: ['endwith'] })
    this.#tokens.expectEnd()
    return { type: 'with', bindings, body, place }
  }

  #jump(type: 'break' | 'continue', place: Place): Statement {
    if (this.#loops === 0) throw syntaxError(`'${type}' outside of a loop`, place)
    this.#tokens.expectEnd()
    return { type, place }
  }

  #macro(place: Place): Statement {
    const name = this.#assignedName()
    const shape = this.#shape(name, { name: 'macro', place, ends: ['endmacro'] }, true)
    return { type: 'macro', shape, place }
  }

  #call(place: Place): Statement {
    // The parameters of `{% call(item) list() %}` come before the call, which the block's body follows.
    const params = this.#tokens.isOperator('(') ? this.#params() : []
    const call = this.#expressions.expression()
    if (call.type !== 'call') throw syntaxError("expected a call after 'call'", place)
    const shape = this.#shape('caller', { name: 'call', place, ends: ['endcall'] }, false)
    return { type: 'call_block', call, shape: { ...shape, params }, place }
  }

  #shape(name: string, block: Block, hasParams: boolean): MacroShape {
    const uses: Uses = { varargs: false, kwargs: false, caller: false }
    const loops = this.#loops
    this.#loops = 0
    this.#macros.push(uses)
    const params = hasParams ? this.#params() : []
    const { body } = this.#body(block)
    this.#macros.pop()
    this.#loops = loops
    this.#tokens.expectEnd()
    return { name, params, body, uses }
  }

  #params(): [string, Expression | undefined][] {
    const params: [string, Expression | undefined][] = []
    this.#tokens.expectOperator('(')
    while (!this.#tokens.skipOperator(')')) {
      if (params.length > 0) this.#tokens.expectOperator(',')
      const { place } = this.#tokens
      const name = this.#assignedName()
      const fallback = this.#tokens.skipOperator('=') ? this.#expressions.expression() : undefined
      if (!fallback && params.at(-1)?.[1])
        throw syntaxError('non-default argument follows default argument', place)
      params.push([name, fallback])
    }
    return params
  }

  #assignedName(): string {
    const { place } = this.#tokens
    const name = this.#tokens.identifier('a name to assign to')
    if (isConstantName(name)) throw syntaxError(`can't assign to '${name}'`, place)
    return name
  }

  /** One target, or several separated by commas. */
  #target(): Target {
    const first = this.#singleTarget()
    if (!this.#tokens.isOperator(',')) return first
    const items = [first]
    while (this.#tokens.skipOperator(',')) {
      if (this.#tokens.isName('in') || this.#tokens.isOperator(')', '=')) break
      items.push(this.#singleTarget())
    }
    return { type: 'tuple', items }
  }

  #singleTarget(): Target {
    if (this.#tokens.skipOperator('(')) {
      const target = this.#tokens.nested(() => this.#target())
      this.#tokens.expectOperator(')')
      return target
    }
    const name = this.#assignedName()
    if (!this.#tokens.skipOperator('.')) return { type: 'name', name }
    return { type: 'attribute', name, attribute: this.#tokens.identifier('the name of an attribute') }
  }
}
