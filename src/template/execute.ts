// Executes the statements of a template and collects its text.

import type { Budget } from './budget.ts'
import { applyFilter, evaluate, evaluateArguments } from './evaluate.ts'
import { Namespace } from './globals.ts'
import { Loop } from './loop.ts'
import { makeMacro } from './macro.ts'
import type { MacroShape, NamedCall, Statement, Target } from './nodes.ts'
import { isTrue, iterate } from './operators.ts'
import type { Render } from './render.ts'
import type { Scope } from './scope.ts'
import { TemplateError } from './template-error.ts'
import { str } from './text.ts'
import { fromHost } from './values.ts'

/** The text rendered so far. */
class Output {
  readonly #budget: Budget
  #text = ''

  constructor(budget: Budget) {
    this.#budget = budget
  }

  get text(): string {
    return this.#text
  }

  write(text: string): void {
    this.#budget.spend(text.length >> 6)
    this.#budget.checkLength(this.#text.length + text.length)
    this.#text += text
  }
}

/** How a statement continues the loop around it. */
type Jump = 'break' | 'continue' | undefined

/** The text that the statements print. */
export async function renderText(body: readonly Statement[], scope: Scope, render: Render): Promise<string> {
  const output = new Output(render.budget)
  await executeAll(body, scope, render, output)
  return output.text
}

async function executeAll(
  body: readonly Statement[],
  scope: Scope,
  render: Render,
  output: Output,
): Promise<Jump> {
  for (const statement of body) {
    if (statement.type === 'text') {
      output.write(statement.text)
      continue
    }
    if (render.budget.isTired) await render.budget.breathe()
    const jump = await execute(statement, scope, render, output)
    if (jump) return jump
  }
  return undefined
}

async function execute(statement: Statement, scope: Scope, render: Render, output: Output): Promise<Jump> {
  render.place = statement.place
  render.budget.spend(1)
  switch (statement.type) {
    case 'text':
      output.write(statement.text)
      return undefined
    case 'print':
      output.write(str(await evaluate(statement.value, scope, render), render.budget))
      return undefined
    case 'do':
      await evaluate(statement.value, scope, render)
      return undefined
    case 'if':
      return executeIf(statement, scope, render, output)
    case 'for':
      return executeFor(statement, scope, render, output)
    case 'set':
      assign(statement.target, await evaluate(statement.value, scope, render), scope, render)
      return undefined
    case 'with':
      return executeWith(statement, scope, render, output)
    case 'macro':
      scope.set(statement.shape.name, macroOf(statement.shape, scope, render))
      return undefined
    case 'call_block':
      return executeCall(statement, scope, render, output)
    case 'set_block':
      assign(statement.target, await filteredText(statement, scope, render), scope, render)
      return undefined
    case 'filter_block':
      output.write(str(await filteredText(statement, scope, render), render.budget))
      return undefined
    case 'break':
    case 'continue':
      return statement.type
  }
}

type Of<Type extends Statement['type']> = Statement & { type: Type }

async function executeIf(statement: Of<'if'>, scope: Scope, render: Render, output: Output): Promise<Jump> {
  for (const { test, body } of statement.branches) {
    if (isTrue(await evaluate(test, scope, render))) return executeAll(body, scope, render, output)
  }
  return executeAll(statement.otherwise, scope, render, output)
}

async function executeFor(statement: Of<'for'>, scope: Scope, render: Render, output: Output): Promise<Jump> {
  const items = await loopItems(statement, scope, render)
  if (items.length === 0) return executeAll(statement.otherwise, scope.inner(), render, output)
  const loop = new Loop(items, render)
  for (const [index, item] of items.entries()) {
    if (render.budget.isTired) await render.budget.breathe()
    loop.moveTo(index)
    const inner = scope.inner()
    inner.set('loop', loop)
    assign(statement.target, item, inner, render)
    const jump = await executeAll(statement.body, inner, render, output)
    if (jump === 'break') break
    render.budget.spend(1)
  }
  return undefined
}

/** The items of a loop that pass its own `if`. */
async function loopItems(statement: Of<'for'>, scope: Scope, render: Render): Promise<unknown[]> {
  const items: unknown[] = []
  for (const each of iterate(await evaluate(statement.source, scope, render), render.budget)) {
    const item = each instanceof Promise ? fromHost(await each) : each
    if (statement.filter) {
      if (render.budget.isTired) await render.budget.breathe()
      const inner = scope.inner()
      assign(statement.target, item, inner, render)
      if (!isTrue(await evaluate(statement.filter, inner, render))) continue
    }
    items.push(item)
  }
  return items
}

async function executeWith(
  statement: Of<'with'>,
  scope: Scope,
  render: Render,
  output: Output,
): Promise<Jump> {
  const inner = scope.inner()
  for (const [target, value] of statement.bindings) {
    assign(target, await evaluate(value, scope, render), inner, render)
  }
  return executeAll(statement.body, inner, render, output)
}

async function executeCall(
  statement: Of<'call_block'>,
  scope: Scope,
  render: Render,
  output: Output,
): Promise<Jump> {
  const callee = await evaluate(statement.call.callee, scope, render)
  const { args, named } = await evaluateArguments(statement.call.args, scope, render)
  const caller = macroOf(statement.shape, scope, render)
  const result = await render.call(callee, args, new Map(named).set('caller', caller))
  output.write(str(result, render.budget))
  return undefined
}

function macroOf(shape: MacroShape, scope: Scope, render: Render) {
  return makeMacro(shape, scope, render, (called, inner) => renderText(called.body, inner, render))
}

interface Captured {
  readonly filters: readonly NamedCall[]
  readonly body: readonly Statement[]
}

async function filteredText(block: Captured, scope: Scope, render: Render): Promise<unknown> {
  let value: unknown = await renderText(block.body, scope.inner(), render)
  for (const filter of block.filters) value = await applyFilter(filter, value, scope, render)
  return value
}

function assign(target: Target, value: unknown, scope: Scope, render: Render): void {
  switch (target.type) {
    case 'name':
      scope.set(target.name, value)
      return
    case 'attribute': {
      const holder = scope.get(target.name)
      if (!(holder instanceof Namespace)) {
        throw new TemplateError('TemplateRuntimeError', 'cannot assign attribute on non-namespace object')
      }
      holder.set(target.attribute, value)
      return
    }
    case 'tuple':
      unpack(target.items, value, scope, render)
  }
}

function unpack(targets: readonly Target[], value: unknown, scope: Scope, render: Render): void {
  const items = iterate(value, render.budget)
  if (items.length > targets.length) {
    throw new TemplateError('ValueError', `too many values to unpack (expected ${targets.length})`)
  }
  if (items.length < targets.length) {
    const detail = `not enough values to unpack (expected ${targets.length}, got ${items.length})`
    throw new TemplateError('ValueError', detail)
  }
  for (const [index, target] of targets.entries()) assign(target, items[index], scope, render)
}
