// Macros and the callers of call blocks: templates' own functions.

import { evaluate } from './evaluate.ts'
import type { MacroShape } from './nodes.ts'
import type { Render } from './render.ts'
import type { Scope } from './scope.ts'
import { TemplateError } from './template-error.ts'
import { Callable, type Named, Sequence, tuple } from './values.ts'

/** Renders the body of a macro in its scope. */
export type RenderBody = (shape: MacroShape, scope: Scope, render: Render) => Promise<string>

/** Makes a macro callable in the scope that it was defined in. */
export function makeMacro(shape: MacroShape, outer: Scope, render: Render, renderBody: RenderBody): Callable {
  const names = shape.params.map(([name]) => name)
  const attributes = new Map<string, unknown>([
    ['name', shape.name],
    ['arguments', tuple(...names)],
  ])
  const call = (args: unknown[], named: Named) =>
    render.deeper(async () => {
      const scope = outer.inner()
      await bindParams(shape, args, named, scope, render)
      return renderBody(shape, scope, render)
    })
  return new Callable(shape.name, call, attributes)
}

async function bindParams(
  shape: MacroShape,
  args: unknown[],
  given: Named,
  scope: Scope,
  render: Render,
): Promise<void> {
  const named = new Map(given)
  for (const [index, [name, fallback]] of shape.params.entries()) {
    if (index < args.length && named.has(name)) {
      throw new TemplateError('TypeError', `macro '${shape.name}' got multiple values for argument '${name}'`)
    }
    const value = index < args.length ? args[index] : named.get(name)
    named.delete(name)
    if (value !== undefined) scope.set(name, value)
    else if (fallback) scope.set(name, await evaluate(fallback, scope, render))
    else scope.set(name, render.undefined(`parameter '${name}' was not provided`))
  }
  bindExtras(shape, args.slice(shape.params.length), named, scope, render)
}

function bindExtras(
  shape: MacroShape,
  extra: unknown[],
  named: Map<string, unknown>,
  scope: Scope,
  render: Render,
): void {
  const { name, uses, params } = shape
  if (uses.caller) {
    scope.set('caller', named.get('caller') ?? render.undefined('No caller defined'))
    named.delete('caller')
  }
  if (uses.kwargs) scope.set('kwargs', named)
  else if (named.size > 0) {
    const [first] = named.keys()
    throw new TemplateError('TypeError', `macro '${name}' takes no keyword argument '${first}'`)
  }
  if (uses.varargs) scope.set('varargs', new Sequence('tuple', extra))
  else if (extra.length > 0) {
    throw new TemplateError('TypeError', `macro '${name}' takes not more than ${params.length} argument(s)`)
  }
}
