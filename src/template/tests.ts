// The tests after `is`.

import { type Builtins, type Run, required } from './builtin.ts'
import type { ComparisonOperator } from './nodes.ts'
import { compare, lengthOf } from './operators.ts'
import { TemplateError } from './template-error.ts'
import { str } from './text.ts'
import {
  Callable,
  isDict,
  isFloat,
  isInteger,
  isTemplateObject,
  numberOf,
  typeName,
  Undefined,
} from './values.ts'

type Test = Builtins[string]

function test(check: (value: unknown, run: Run) => boolean): Test {
  return { params: [], run: (value, _, run) => check(value, run) }
}

function comparison(operator: ComparisonOperator): Test {
  return {
    params: ['other'],
    run: (value, [other], run) => compare(operator, value, required(other, operator, 'other'), run.budget),
  }
}

function remainder(value: unknown, divisor: unknown): number {
  for (const each of [value, divisor]) if (each instanceof Undefined) throw each.error()
  const [a, b] = [numberOf(value), numberOf(divisor)]
  if (a === undefined || b === undefined) {
    const given = typeName(a === undefined ? value : divisor)
    throw new TemplateError('TypeError', `only numbers can be divided, not '${given}'`)
  }
  if (b === 0) throw new TemplateError('ZeroDivisionError', 'division by zero')
  return a % b
}

const equal = comparison('==')
const unequal = comparison('!=')
const less = comparison('<')
const greater = comparison('>')

/** Tests by name, except `filter` and `test`, which need the names of all filters and tests. */
export const tests: Builtins = {
  boolean: test(value => typeof value === 'boolean'),
  callable: test(value => value instanceof Callable),
  defined: test(value => !(value instanceof Undefined)),
  divisibleby: {
    params: ['num'],
    run: (value, [num]) => remainder(value, required(num, 'divisibleby', 'num')) === 0,
  },
  eq: equal,
  equalto: equal,
  '==': equal,
  escaped: test(() => false),
  even: test(value => remainder(value, 2) === 0),
  false: test(value => value === false),
  float: test(value => isFloat(value)),
  ge: comparison('>='),
  '>=': comparison('>='),
  gt: greater,
  greaterthan: greater,
  '>': greater,
  in: comparison('in'),
  integer: test(isInteger),
  iterable: test(
    value => lengthOf(value) !== undefined || (isTemplateObject(value) && value.keys !== undefined),
  ),
  le: comparison('<='),
  '<=': comparison('<='),
  lower: test((value, run) => isCase(str(value, run.budget), text => text.toLowerCase())),
  lt: less,
  lessthan: less,
  '<': less,
  mapping: test(value => isDict(value)),
  ne: unequal,
  '!=': unequal,
  none: test(value => value === null),
  number: test(value => numberOf(value) !== undefined),
  odd: test(value => Math.abs(remainder(value, 2)) === 1),
  sameas: {
    params: ['other'],
    run: (value, [other]) =>
      value === other || (isFloat(value) && isFloat(other) && numberOf(value) === numberOf(other)),
  },
  sequence: test(value => lengthOf(value) !== undefined),
  string: test(value => typeof value === 'string'),
  true: test(value => value === true),
  undefined: test(value => value instanceof Undefined),
  upper: test((value, run) => isCase(str(value, run.budget), text => text.toUpperCase())),
}

function isCase(text: string, change: (text: string) => string): boolean {
  return text === change(text) && /\p{L}/u.test(text)
}
