// Evaluates expressions. A call or a look-up may return a promise; the engine awaits it.

import { dictSet, pairsOf } from './dict.ts'
import { getAttribute, getItem, slice } from './lookup.ts'
import type { Arguments, Comparison, Expression, NamedCall, Slice } from './nodes.ts'
import { arithmetic, compare, isTrue, iterate, joinTexts, signed } from './operators.ts'
import { formatPercent } from './percent-format.ts'
import type { Render } from './render.ts'
import type { Scope } from './scope.ts'
import { TemplateError } from './template-error.ts'
import { type Named, NO_NAMED, tuple } from './values.ts'

/** The value of an expression, or a promise of it. */
export function evaluate(node: Expression, scope: Scope, render: Render): unknown {
  render.budget.spend(1)
  switch (node.type) {
    case 'literal':
      return node.value
    case 'name':
      return variable(node.name, scope, render)
    default:
      return evaluateInner(node, scope, render)
  }
}

function variable(name: string, scope: Scope, render: Render): unknown {
  const value = scope.get(name)
  return value === undefined ? render.undefined(`'${name}' is undefined`) : value
}

type Inner = Exclude<Expression, { type: 'literal' | 'name' }>

async function evaluateInner(node: Inner, scope: Scope, render: Render): Promise<unknown> {
  render.place = node.place
  switch (node.type) {
    case 'attribute':
      return getAttribute(await evaluate(node.object, scope, render), node.name, render)
    case 'item':
      return getItem(
        await evaluate(node.object, scope, render),
        await evaluate(node.key, scope, render),
        render,
      )
    case 'call':
      return call(node, scope, render)
    case 'filter':
      return applyFilter(node.call, await evaluate(node.value, scope, render), scope, render)
    case 'test':
      return applyTest(node.call, await evaluate(node.value, scope, render), scope, render)
    case 'arithmetic':
      return calculate(node, scope, render)
    case 'compare':
      return compareChain(await evaluate(node.first, scope, render), node.rest, scope, render)
    case 'concat':
      return joinTexts(await evaluateAll(node.parts, scope, render), render.budget)
    case 'and':
    case 'or':
      return decide(node, scope, render)
    case 'not':
      return !isTrue(await evaluate(node.operand, scope, render))
    case 'sign':
      return signed(node.operator, await evaluate(node.operand, scope, render))
    case 'choice':
      return choose(node, scope, render)
    case 'list':
      return evaluateAll(node.items, scope, render)
    case 'tuple':
      return tuple(...(await evaluateAll(node.items, scope, render)))
    case 'dict':
      return makeDict(node.entries, scope, render)
    case 'slice':
      return takeSlice(await evaluate(node.object, scope, render), node.bounds, scope, render)
  }
}

async function evaluateAll(nodes: readonly Expression[], scope: Scope, render: Render): Promise<unknown[]> {
  const values: unknown[] = []
  for (const node of nodes) values.push(await evaluate(node, scope, render))
  return values
}

async function makeDict(
  entries: readonly (readonly [Expression, Expression])[],
  scope: Scope,
  render: Render,
): Promise<Map<unknown, unknown>> {
  const dict = new Map<unknown, unknown>()
  for (const [key, value] of entries) {
    dictSet(dict, await evaluate(key, scope, render), await evaluate(value, scope, render))
  }
  return dict
}

async function calculate(
  node: Inner & { type: 'arithmetic' },
  scope: Scope,
  render: Render,
): Promise<unknown> {
  const left = await evaluate(node.left, scope, render)
  const right = await evaluate(node.right, scope, render)
  const { budget } = render
  budget.weigh(left)
  budget.weigh(right)
  const result =
    node.operator === '%' && typeof left === 'string'
      ? formatPercent(left, right, render)
      : arithmetic(node.operator, left, right, budget)
  budget.admit(result)
  return result
}

async function compareChain(
  first: unknown,
  rest: readonly Comparison[],
  scope: Scope,
  render: Render,
): Promise<unknown> {
  let left = first
  let result: unknown = true
  for (const { operator, right: node } of rest) {
    const right = await evaluate(node, scope, render)
    render.budget.weigh(left)
    render.budget.weigh(right)
    result = await compare(operator, left, right, render.budget)
    if (result !== true) return result
    left = right
  }
  return result
}

async function decide(node: Inner & { type: 'and' | 'or' }, scope: Scope, render: Render): Promise<unknown> {
  const left = await evaluate(node.left, scope, render)
  return isTrue(left) === (node.type === 'and') ? evaluate(node.right, scope, render) : left
}

async function choose(node: Inner & { type: 'choice' }, scope: Scope, render: Render): Promise<unknown> {
  if (isTrue(await evaluate(node.test, scope, render))) return evaluate(node.yes, scope, render)
  if (node.no) return evaluate(node.no, scope, render)
  return render.undefined(`the condition on line ${node.place.line} is false and has no 'else'`)
}

async function takeSlice(object: unknown, bounds: Slice, scope: Scope, render: Render): Promise<unknown> {
  const bound = async (node: Expression | undefined) => (node ? await evaluate(node, scope, render) : null)
  const start = await bound(bounds.start)
  const stop = await bound(bounds.stop)
  render.budget.weigh(object)
  return slice(object, { start, stop, step: await bound(bounds.step) }, render)
}

async function call(node: Inner & { type: 'call' }, scope: Scope, render: Render): Promise<unknown> {
  const callee = await evaluate(node.callee, scope, render)
  const { args, named } = await evaluateArguments(node.args, scope, render)
  render.place = node.place
  return render.call(callee, args, named)
}

/** Applies a filter of the template's source to a value. */
export async function applyFilter(
  filter: NamedCall,
  value: unknown,
  scope: Scope,
  render: Render,
): Promise<unknown> {
  const { args, named } = await evaluateArguments(filter.args, scope, render)
  render.place = filter.place
  return render.applyFilter(filter.name, value, args, named)
}

async function applyTest(test: NamedCall, value: unknown, scope: Scope, render: Render): Promise<unknown> {
  const { args, named } = await evaluateArguments(test.args, scope, render)
  return render.applyTest(test.name, value, args, named)
}

/** The values of a call's arguments. */
export async function evaluateArguments(
  nodes: Arguments,
  scope: Scope,
  render: Render,
): Promise<{ args: unknown[]; named: Named }> {
  const args = nodes.positional.length > 0 ? await evaluateAll(nodes.positional, scope, render) : []
  if (nodes.spread) args.push(...iterate(await evaluate(nodes.spread, scope, render), render.budget))
  if (nodes.named.length === 0 && !nodes.namedSpread) return { args, named: NO_NAMED }
  const named = new Map<string, unknown>()
  for (const [name, value] of nodes.named) addNamed(named, name, await evaluate(value, scope, render))
  if (nodes.namedSpread) {
    for (const [name, value] of pairsOf(await evaluate(nodes.namedSpread, scope, render)))
      addNamed(named, name, value)
  }
  return { args, named }
}

function addNamed(named: Map<string, unknown>, name: unknown, value: unknown): void {
  if (typeof name !== 'string') throw new TemplateError('TypeError', 'keywords must be strings')
  if (named.has(name))
    throw new TemplateError('TypeError', `got multiple values for keyword argument '${name}'`)
  named.set(name, value)
}
