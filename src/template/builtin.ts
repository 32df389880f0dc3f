// Built-in functions: filters, tests, methods and global functions, each a parameter list and a body.

import type { Budget } from './budget.ts'
import { TemplateError } from './template-error.ts'
import { Callable, type Named, Undefined } from './values.ts'

/** The state of one render, as far as the built-in functions need it. */
export interface Run {
  readonly budget: Budget
  /** Creates an undefined value whose use raises `message`. */
  undefined(message: string): Undefined
  applyFilter(name: string, value: unknown, args: unknown[], named: Named): unknown
  applyTest(name: string, value: unknown, args: unknown[], named: Named): unknown
}

/**
 * A built-in function. `self` is the filtered or tested value, or the object of a method. `args` follow `params`,
 * with `undefined` for missing ones, so that a body can use defaults; without `params` they are the
 * positional arguments as given, with the keyword arguments in `named`.
 */
export interface Builtin<Self = unknown> {
  readonly params?: readonly string[]
  run(self: Self, args: unknown[], run: Run, named: Named): unknown
}

/** A table of built-in functions by name. */
export type Builtins<Self = unknown> = Readonly<Record<string, Builtin<Self>>>

/** The built-in function of that name; never one of JavaScript's own object members. */
export function builtinNamed<Self>(table: Builtins<Self>, name: string): Builtin<Self> | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** Calls a built-in function; too many or unknown arguments raise a TypeError that names `name`. */
export function callBuiltin<Self>(
  builtin: Builtin<Self>,
  name: string,
  self: Self,
  args: unknown[],
  named: Named,
  run: Run,
): unknown {
  if (!builtin.params) return builtin.run(self, args, run, named)
  return builtin.run(self, bindArguments(name, builtin.params, args, named), run, named)
}

function bindArguments(name: string, params: readonly string[], args: unknown[], named: Named): unknown[] {
  if (args.length > params.length) {
    throw new TemplateError(
      'TypeError',
      `${name}() takes at most ${params.length} argument(s) (${args.length} given)`,
    )
  }
  if (named.size === 0) return args
  const bound = [...args]
  for (const [key, value] of named) {
    const index = params.indexOf(key)
    if (index < 0)
      throw new TemplateError('TypeError', `${name}() got an unexpected keyword argument '${key}'`)
    if (index < args.length)
      throw new TemplateError('TypeError', `${name}() got multiple values for argument '${key}'`)
    bound[index] = value
  }
  return bound
}

/** The method as a value: a callable that remembers its object. */
export function boundMethod<Self>(builtin: Builtin<Self>, name: string, self: Self, run: Run): Callable {
  return new Callable(name, (args, named) => {
    if (typeof self === 'string') run.budget.weigh(self)
    return callBuiltin(builtin, name, self, args, named, run)
  })
}

/** A required argument; a TypeError if it was not given. */
export function required(value: unknown, name: string, param: string): unknown {
  if (value === undefined)
    throw new TemplateError('TypeError', `${name}() is missing the argument '${param}'`)
  return value
}

/** A required text argument. */
export function textArgument(value: unknown, name: string, param: string): string {
  const given = required(value, name, param)
  if (typeof given === 'string') return given
  if (given instanceof Undefined) throw given.error()
  throw new TemplateError('TypeError', `${name}(): the argument '${param}' must be a str`)
}
