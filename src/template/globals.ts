// The functions that every template can call: range, dict, namespace, cycler and joiner.

import type { Run } from './builtin.ts'
import { dictUpdate } from './dict.ts'
import { TemplateError } from './template-error.ts'
import { Callable, integerOf, type Named, Sequence, type TemplateObject } from './values.ts'

/** The result of `namespace()`: the only object whose attributes `set` can change. */
export class Namespace implements TemplateObject {
  readonly typeName = 'Namespace'
  readonly #values = new Map<unknown, unknown>()

  constructor(args: readonly unknown[], named: Named) {
    for (const source of args) dictUpdate(this.#values, source)
    for (const [key, value] of named) this.#values.set(key, value)
  }

  getItem(key: unknown): unknown {
    return this.#values.get(key)
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, value)
  }
}

/** Creates the global functions for one render. */
export function globalFunctions(run: Run): ReadonlyMap<string, Callable> {
  const functions = [
    new Callable('range', args => range(args, run)),
    new Callable('dict', (args, named) => {
      const dict = new Map<unknown, unknown>()
      for (const source of args) dictUpdate(dict, source)
      for (const [key, value] of named) dict.set(key, value)
      return dict
    }),
    new Callable('namespace', (args, named) => new Namespace(args, named)),
    new Callable('cycler', args => cycler(args)),
    new Callable('joiner', ([separator = ', ']) => joiner(separator)),
  ]
  return new Map(functions.map(each => [each.name, each]))
}

function range(args: readonly unknown[], run: Run): Sequence {
  if (args.length < 1 || args.length > 3) {
    throw new TemplateError('TypeError', `range expected 1 to 3 arguments, got ${args.length}`)
  }
  const bounds = args.map(arg => integerOf(arg, 'each argument of range'))
  const [start, stop, step = 1] =
    bounds.length === 1 ? [0, bounds[0] ?? 0] : [bounds[0] ?? 0, bounds[1] ?? 0, bounds[2]]
  if (step === 0) throw new TemplateError('ValueError', 'range() arg 3 must not be zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  run.budget.checkItems(length)
  run.budget.spend(length >> 2)
  return new Sequence(
    'range',
    Array.from({ length }, (_, index) => start + index * step),
  )
}

function cycler(items: readonly unknown[]): TemplateObject {
  if (items.length === 0) throw new TemplateError('TypeError', 'at least one item has to be provided')
  let position = 0
  const next = new Callable('next', () => {
    const item = items[position]
    position = (position + 1) % items.length
    return item
  })
  const reset = new Callable('reset', () => {
    position = 0
    return null
  })
  return {
    typeName: 'Cycler',
    getItem(key) {
      if (key === 'current') return items[position]
      return key === 'next' ? next : key === 'reset' ? reset : undefined
    },
  }
}

function joiner(separator: unknown): Callable {
  let used = false
  return new Callable('joiner', () => {
    const text = used ? separator : ''
    used = true
    return text
  })
}
