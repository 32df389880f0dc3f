// The syntax tree of a template.
import type { Place } from './template-error.ts'

/** A node's place in the source. */
interface Placed {
  readonly place: Place
}

/** The arguments of a call, a filter or a test. */
export interface Arguments {
  readonly positional: readonly Expression[]
  readonly named: readonly (readonly [name: string, value: Expression])[]
  /** `*list`. */
  readonly spread: Expression | undefined
  /** `**dict`. */
  readonly namedSpread: Expression | undefined
}

/** `name(args)` of a filter or a test. */
export interface NamedCall extends Placed {
  readonly name: string
  readonly args: Arguments
}

export interface Slice {
  readonly start: Expression | undefined
  readonly stop: Expression | undefined
  readonly step: Expression | undefined
}

export type Expression = Placed &
  (
    | { readonly type: 'literal'; readonly value: unknown }
    | { readonly type: 'name'; readonly name: string }
    | { readonly type: 'list' | 'tuple'; readonly items: readonly Expression[] }
    | { readonly type: 'dict'; readonly entries: readonly (readonly [key: Expression, value: Expression])[] }
    | { readonly type: 'attribute'; readonly object: Expression; readonly name: string }
    | { readonly type: 'item'; readonly object: Expression; readonly key: Expression }
    | { readonly type: 'slice'; readonly object: Expression; readonly bounds: Slice }
    | { readonly type: 'call'; readonly callee: Expression; readonly args: Arguments }
    | { readonly type: 'filter'; readonly value: Expression; readonly call: NamedCall }
    | { readonly type: 'test'; readonly value: Expression; readonly call: NamedCall }
    | { readonly type: 'not'; readonly operand: Expression }
    | { readonly type: 'sign'; readonly operator: '-' | '+'; readonly operand: Expression }
    | {
        readonly type: 'arithmetic'
        readonly operator: ArithmeticOperator
        readonly left: Expression
        readonly right: Expression
      }
    | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
    | { readonly type: 'compare'; readonly first: Expression; readonly rest: readonly Comparison[] }
    | { readonly type: 'concat'; readonly parts: readonly Expression[] }
    | {
        readonly type: 'choice'
        readonly test: Expression
        readonly yes: Expression
        readonly no: Expression | undefined
      }
  )

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**'
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'

export interface Comparison {
  readonly operator: ComparisonOperator
  readonly right: Expression
}

/** What `set`, `for` and `with` assign to. */
export type Target =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'attribute'; readonly name: string; readonly attribute: string }
  | { readonly type: 'tuple'; readonly items: readonly Target[] }

/** The parameters and body of a macro, or of a call block as its `caller`. */
export interface MacroShape {
  readonly name: string
  readonly params: readonly (readonly [name: string, fallback: Expression | undefined])[]
  readonly body: readonly Statement[]
  /** Whether the body uses `varargs`, `kwargs` and `caller`; a macro accepts only what it uses. */
  readonly uses: { readonly varargs: boolean; readonly kwargs: boolean; readonly caller: boolean }
}

export type Statement = Placed &
  (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'print'; readonly value: Expression }
    | { readonly type: 'do'; readonly value: Expression }
    | {
        readonly type: 'if'
        readonly branches: readonly { readonly test: Expression; readonly body: readonly Statement[] }[]
        readonly otherwise: readonly Statement[]
      }
    | {
        readonly type: 'for'
        readonly target: Target
        readonly source: Expression
        readonly filter: Expression | undefined
        readonly body: readonly Statement[]
        readonly otherwise: readonly Statement[]
      }
    | { readonly type: 'set'; readonly target: Target; readonly value: Expression }
    | {
        readonly type: 'set_block'
        readonly target: Target
        readonly filters: readonly NamedCall[]
        readonly body: readonly Statement[]
      }
    | {
        readonly type: 'with'
        readonly bindings: readonly (readonly [target: Target, value: Expression])[]
        readonly body: readonly Statement[]
      }
    | {
        readonly type: 'filter_block'
        readonly filters: readonly NamedCall[]
        readonly body: readonly Statement[]
      }
    | { readonly type: 'macro'; readonly shape: MacroShape }
    | {
        readonly type: 'call_block'
        readonly call: Expression & { readonly type: 'call' }
        readonly shape: MacroShape
      }
    | { readonly type: 'break' | 'continue' }
  )
