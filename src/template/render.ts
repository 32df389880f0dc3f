// The state of one render, and the calls of filters and tests, which filters such as `map` make as well.

import { Budget, type TemplateLimits } from './budget.ts'
import { type Builtins, builtinNamed, callBuiltin, type Run } from './builtin.ts'
import { globalFunctions } from './globals.ts'
import { Scope } from './scope.ts'
import { sequenceFilters } from './sequence-filters.ts'
import { START, TemplateError } from './template-error.ts'
import { tests as valueTests } from './tests.ts'
import { textFilters } from './text-filters.ts'
import { Callable, fromHost, type Named, typeName, Undefined } from './values.ts'

const filters: Builtins = { ...textFilters, ...sequenceFilters }
const tests: Builtins = {
  ...valueTests,
  filter: { params: [], run: value => typeof value === 'string' && hasFilter(value) },
  test: { params: [], run: value => typeof value === 'string' && hasTest(value) },
}

/** Whether there is a filter of that name. */
export function hasFilter(name: string): boolean {
  return Object.hasOwn(filters, name)
}

/** Whether there is a test of that name. */
export function hasTest(name: string): boolean {
  return Object.hasOwn(tests, name)
}

/** One render of a template. */
export class Render implements Run {
  readonly budget: Budget
  /** Of the node evaluated last, for errors. */
  place = START
  readonly #strict: boolean
  #depth = 0

  constructor(limits: TemplateLimits, strict: boolean) {
    this.budget = new Budget(limits)
    this.#strict = strict
  }

  /** The scope of the template, over the host's variables and the global functions. */
  rootScope(context: Readonly<Record<string, unknown>>): Scope {
    const globals = globalFunctions(this)
    return Scope.root(name => {
      const given = Object.hasOwn(context, name) ? context[name] : undefined
      return given === undefined ? globals.get(name) : fromHost(given, context)
    })
  }

  undefined(message: string): Undefined {
    return new Undefined(message, this.#strict)
  }

  applyFilter(name: string, value: unknown, args: unknown[], named: Named): unknown {
    return this.#apply(filters, 'filter', name, value, args, named)
  }

  applyTest(name: string, value: unknown, args: unknown[], named: Named): unknown {
    return this.#apply(tests, 'test', name, value, args, named)
  }

  #apply(
    table: Builtins,
    what: string,
    name: string,
    value: unknown,
    args: unknown[],
    named: Named,
  ): unknown {
    const builtin = builtinNamed(table, name)
    if (!builtin) throw new TemplateError('TemplateRuntimeError', `No ${what} named '${name}'.`)
    this.#weighArguments(value, args, named)
    return this.#admitted(callBuiltin(builtin, name, value, args, named, this))
  }

  /** Calls a value; a TypeError for one that cannot be called. */
  call(callee: unknown, args: unknown[], named: Named): unknown {
    if (callee instanceof Undefined) throw callee.error()
    if (!(callee instanceof Callable)) {
      throw new TemplateError('TypeError', `'${typeName(callee)}' object is not callable`)
    }
    this.#weighArguments(undefined, args, named)
    return this.#admitted(callee.call(args, named))
  }

  #weighArguments(value: unknown, args: readonly unknown[], named: Named): void {
    this.budget.spend(1)
    this.budget.weigh(value)
    for (const arg of args) this.budget.weigh(arg)
    for (const arg of named.values()) this.budget.weigh(arg)
  }

  #admitted(result: unknown): unknown {
    if (result instanceof Promise) return result.then(value => this.#admitted(value))
    const value = fromHost(result)
    this.budget.admit(value)
    return value
  }

  /** Runs the body of a macro one level deeper. */
  async deeper<T>(body: () => Promise<T>): Promise<T> {
    if (this.#depth >= this.budget.maxDepth) {
      throw new TemplateError(
        'RecursionError',
        `macros call each other more than ${this.budget.maxDepth} levels deep`,
      )
    }
    this.#depth += 1
    try {
      return await body()
    } finally {
      this.#depth -= 1
    }
  }
}
