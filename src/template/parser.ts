// Parses a template: the statements between `{%` and `%}`, and the text and expressions around them.

import { ExpressionParser, isConstantName, type KnownNames } from './expression-parser.ts'
import { type Delimiters, syntaxError, tokenize } from './lexer.ts'
import type { Expression, MacroShape, Statement, Target } from './nodes.ts'
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
  readonly line: number
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
      const { line } = token
      if (token.type === 'text') statements.push({ type: 'text', text: token.value, line })
      else if (token.type === 'expression') statements.push(this.#print(line))
      else if (token.type === 'statement') {
        if (block && this.#tokens.isName(...block.ends)) return statements
        statements.push(this.#tokens.nested(() => this.#statement()))
      } else break
    }
    if (!block) return statements
    const needed = block.ends.map(name => `'${name}'`).join(' or ')
    throw syntaxError(
      `'${block.name}' on line ${block.line} needs ${needed} before the template ends`,
      this.#tokens.line,
    )
  }

  #print(line: number): Statement {
    const value = this.#expressions.expressionOrTuple()
    this.#tokens.expectEnd()
    return { type: 'print', value, line }
  }

  #statement(): Statement {
    const { line } = this.#tokens
    const name = this.#tokens.identifier('the name of a tag')
    switch (name) {
      case 'if':
        return this.#if(line)
      case 'for':
        return this.#for(line)
      case 'set':
        return this.#set(line)
      case 'do':
        return this.#do(line)
      case 'macro':
        return this.#macro(line)
      case 'call':
        return this.#call(line)
      case 'filter':
        return this.#filter(line)
      case 'with':
        return this.#with(line)
      case 'break':
      case 'continue':
        return this.#jump(name, line)
      default:
        if (NOT_SUPPORTED.includes(name)) throw syntaxError(`the tag '${name}' is not supported here`, line)
        throw syntaxError(`Encountered unknown tag '${name}'.`, line)
    }
  }

  /** Ends the opening tag, parses what it contains, and gives the name of the tag that follows. */
  #body(block: Block): { body: Statement[]; end: string } {
    this.#tokens.expectEnd()
    const body = this.#statements(block)
    return { body, end: this.#tokens.identifier('the name of a tag') }
  }

  #if(line: number): Statement {
    const branches: { test: Expression; body: Statement[] }[] = []
    let otherwise: Statement[] = []
    for (let end = 'elif'; end !== 'endif'; ) {
      const test = end === 'elif' ? this.#expressions.expressionOrTuple(false) : undefined
      const ends = test ? ['elif', 'else', 'endif'] : ['endif']
      const part = this.#body({ name: 'if', line, ends })
      if (test) branches.push({ test, body: part.body })
      else otherwise = part.body
      end = part.end
    }
    this.#tokens.expectEnd()
    return { type: 'if', branches, otherwise, line }
  }

  #for(line: number): Statement {
    const target = this.#target()
    this.#tokens.expectName('in')
    const source = this.#expressions.expressionOrTuple(false)
    const filter = this.#tokens.skipName('if') ? this.#expressions.expression() : undefined
    if (this.#tokens.isName('recursive')) throw syntaxError("'recursive' loops are not supported here", line)
    this.#loops += 1
    const { body, end } = this.#body({ name: 'for', line, ends: ['else', 'endfor'] })
    this.#loops -= 1
    const otherwise = end === 'else' ? this.#body({ name: 'for', line, ends: ['endfor'] }).body : []
    this.#tokens.expectEnd()
    return { type: 'for', target, source, filter, body, otherwise, line }
  }

  #set(line: number): Statement {
    const target = this.#target()
    if (this.#tokens.skipOperator('=')) {
      const value = this.#expressions.expressionOrTuple()
      this.#tokens.expectEnd()
      return { type: 'set', target, value, line }
    }
    const filters = this.#tokens.skipOperator('|') ? this.#expressions.filterChain() : []
    const { body } = this.#body({ name: 'set', line, ends: ['endset'] })
    this.#tokens.expectEnd()
    return { type: 'set_block', target, filters, body, line }
  }

  #do(line: number): Statement {
    const value = this.#expressions.expressionOrTuple()
    this.#tokens.expectEnd()
    return { type: 'do', value, line }
  }

  #filter(line: number): Statement {
    const filters = this.#expressions.filterChain()
    const { body } = this.#body({ name: 'filter', line, ends: ['endfilter'] })
    this.#tokens.expectEnd()
    return { type: 'filter_block', filters, body, line }
  }

  #with(line: number): Statement {
    const bindings: [Target, Expression][] = []
    while (this.#tokens.current.type !== 'end') {
      if (bindings.length > 0) this.#tokens.expectOperator(',')
      const target = this.#singleTarget()
      this.#tokens.expectOperator('=')
      bindings.push([target, this.#expressions.expression()])
    }
    const { body } = this.#body({ name: 'with', line, ends: ['endwith'] })
    this.#tokens.expectEnd()
    return { type: 'with', bindings, body, line }
  }

  #jump(type: 'break' | 'continue', line: number): Statement {
    if (this.#loops === 0) throw syntaxError(`'${type}' outside of a loop`, line)
    this.#tokens.expectEnd()
    return { type, line }
  }

  #macro(line: number): Statement {
    const name = this.#assignedName()
    const shape = this.#shape(name, { name: 'macro', line, ends: ['endmacro'] }, true)
    return { type: 'macro', shape, line }
  }

  #call(line: number): Statement {
    // The parameters of `{% call(item) list() %}` come before the call, which the block's body follows.
    const params = this.#tokens.isOperator('(') ? this.#params() : []
    const call = this.#expressions.expression()
    if (call.type !== 'call') throw syntaxError("expected a call after 'call'", line)
    const shape = this.#shape('caller', { name: 'call', line, ends: ['endcall'] }, false)
    return { type: 'call_block', call, shape: { ...shape, params }, line }
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
      const { line } = this.#tokens
      const name = this.#assignedName()
      const fallback = this.#tokens.skipOperator('=') ? this.#expressions.expression() : undefined
      if (!fallback && params.at(-1)?.[1])
        throw syntaxError('non-default argument follows default argument', line)
      params.push([name, fallback])
    }
    return params
  }

  #assignedName(): string {
    const { line } = this.#tokens
    const name = this.#tokens.identifier('a name to assign to')
    if (isConstantName(name)) throw syntaxError(`can't assign to '${name}'`, line)
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
