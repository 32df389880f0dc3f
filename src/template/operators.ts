// Python's operators on template values: arithmetic, comparison, truth and membership.

import type { Budget } from './budget.ts'
import { dictGet, dictHas, dictKeys, dictSize } from './dict.ts'
import type { ArithmeticOperator, ComparisonOperator } from './nodes.ts'
import { TemplateError } from './template-error.ts'
import { codePoints, str } from './text.ts'
import {
  float,
  fromHost,
  isDict,
  isFloat,
  isInteger,
  isTemplateObject,
  numberOf,
  Sequence,
  sequenceItems,
  typeName,
  Undefined,
} from './values.ts'

/** Whether Python takes the value as true. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return value !== ''
  if (value === null || value === undefined) return false
  if (value instanceof Undefined) {
    value.touch()
    return false
  }
  const number = numberOf(value)
  if (number !== undefined) return number !== 0
  return (lengthOf(value) ?? 1) > 0
}

/** Python's len(), in characters for text; undefined for a value without a length. */
export function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string') return hasWideCharacters(value) ? codePoints(value).length : value.length
  if (value instanceof Undefined) {
    value.touch()
    return 0
  }
  return sequenceItems(value)?.length ?? (isDict(value) ? dictSize(value) : undefined)
}

/** The characters of a text as Python counts them, where JavaScript counts some as two. */
export function characters(text: string): readonly string[] | string {
  return hasWideCharacters(text) ? codePoints(text) : text
}

function hasWideCharacters(text: string): boolean {
  return /[\ud800-\udfff]/.test(text)
}

/** The items that a loop over the value visits; a TypeError if the value is not iterable. */
export function iterate(value: unknown, budget: Budget): readonly unknown[] {
  const items = sequenceItems(value)
  if (items) {
    budget.spend(items.length >> 2)
    return items.map(item => fromHost(item))
  }
  if (typeof value === 'string') {
    budget.checkItems(value.length)
    budget.spend(value.length >> 2)
    return codePoints(value)
  }
  if (value instanceof Undefined) {
    value.touch()
    return []
  }
  if (isTemplateObject(value) && value.keys) return Array.from(value.keys(), key => fromHost(key))
  if (isDict(value)) return dictKeys(value)
  throw new TemplateError('TypeError', `'${typeName(value)}' object is not iterable`)
}

/** `left operator right` for the arithmetic operators except the `%` of texts. */
export function arithmetic(
  operator: ArithmeticOperator,
  left: unknown,
  right: unknown,
  budget: Budget,
): unknown {
  const a = numberOf(left)
  const b = numberOf(right)
  if (a !== undefined && b !== undefined) {
    const real = operator === '/' || isFloat(left) || isFloat(right) || (operator === '**' && b < 0)
    const result = calculate(operator, a, b)
    if (real) return float(result)
    if (!Number.isFinite(result))
      throw new TemplateError('OverflowError', 'the result is too large for an int')
    return result + 0
  }
  for (const side of [left, right]) if (side instanceof Undefined) throw side.error()
  if (operator === '+') return concatenate(left, right)
  if (operator === '*') {
    const repeated = repeat(left, right, budget) ?? repeat(right, left, budget)
    if (repeated !== undefined) return repeated
  }
  const types = `'${typeName(left)}' and '${typeName(right)}'`
  throw new TemplateError('TypeError', `unsupported operand type(s) for ${operatorName(operator)}: ${types}`)
}

function operatorName(operator: ArithmeticOperator): string {
  return operator === '**' ? '** or pow()' : operator
}

function calculate(operator: ArithmeticOperator, a: number, b: number): number {
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw new TemplateError('ZeroDivisionError', 'division by zero')
  }
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    case '//':
      return Math.floor((a - modulo(a, b)) / b + 0.5)
    case '%':
      return modulo(a, b)
    case '**':
      return power(a, b)
  }
}

function modulo(a: number, b: number): number {
  const rest = a % b
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
}

function power(a: number, b: number): number {
  if (a === 0 && b < 0) {
    throw new TemplateError('ZeroDivisionError', '0.0 cannot be raised to a negative power')
  }
  const result = a ** b
  if (Number.isNaN(result) && !Number.isNaN(a) && !Number.isNaN(b)) {
    throw new TemplateError('ValueError', 'a negative number cannot be raised to a fraction')
  }
  return result
}

function concatenate(left: unknown, right: unknown): unknown {
  if (typeof left === 'string' && typeof right === 'string') return left + right
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right]
  if (
    left instanceof Sequence &&
    right instanceof Sequence &&
    left.kind === 'tuple' &&
    right.kind === 'tuple'
  ) {
    return new Sequence('tuple', [...left.items, ...right.items])
  }
  const type = typeName(left)
  if (type === 'str' || type === 'list' || type === 'tuple') {
    throw new TemplateError('TypeError', `can only concatenate ${type} (not "${typeName(right)}") to ${type}`)
  }
  throw new TemplateError(
    'TypeError',
    `unsupported operand type(s) for +: '${type}' and '${typeName(right)}'`,
  )
}

function repeat(value: unknown, times: unknown, budget: Budget): unknown {
  if (!isInteger(times) && typeof times !== 'boolean') return undefined
  const count = Math.max(0, Number(times))
  if (typeof value === 'string') {
    budget.checkLength(value.length * count)
    return value.repeat(value === '' ? 0 : count)
  }
  const items = sequenceItems(value)
  if (!items || (value instanceof Sequence && value.kind !== 'tuple')) return undefined
  budget.checkItems(items.length * count)
  const repeated = Array.from({ length: items.length * count }, (_, index) => items[index % items.length])
  return value instanceof Sequence ? new Sequence('tuple', repeated) : repeated
}

/** `-value` or `+value`. */
export function signed(operator: '-' | '+', value: unknown): unknown {
  if (value instanceof Undefined) throw value.error()
  const number = numberOf(value)
  if (number === undefined) {
    throw new TemplateError('TypeError', `bad operand type for unary ${operator}: '${typeName(value)}'`)
  }
  if (isFloat(value)) return float(operator === '-' ? -number : number)
  return (operator === '-' ? -number : number) + 0
}

/** `left operator right` for the comparison operators. */
export function compare(
  operator: ComparisonOperator,
  left: unknown,
  right: unknown,
  budget: Budget,
): unknown {
  switch (operator) {
    case '==':
      return equals(left, right, budget)
    case '!=':
      return !equals(left, right, budget)
    case 'in':
      return contains(right, left, budget)
    case 'not in': {
      const found = contains(right, left, budget)
      return found instanceof Promise ? found.then(inside => !inside) : !found
    }
    case '<':
      return order(left, right, '<', budget) < 0
    case '<=':
      return order(left, right, '<=', budget) <= 0
    case '>':
      return order(left, right, '>', budget) > 0
    case '>=':
      return order(left, right, '>=', budget) >= 0
  }
}

/** Python's `==`. */
export function equals(left: unknown, right: unknown, budget: Budget, depth = 0): boolean {
  budget.spend(1)
  if (left instanceof Undefined) left.touch()
  if (right instanceof Undefined) right.touch()
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length === right.length) budget.weigh(left)
    return left === right
  }
  if (left === right) return true
  const a = numberOf(left)
  if (a !== undefined) return a === numberOf(right)
  if (left instanceof Undefined) return right instanceof Undefined
  if (depth > 100) throw new TemplateError('RecursionError', 'values are nested too deeply to compare')
  const items = sequenceItems(left)
  const others = sequenceItems(right)
  if (items && others) {
    if (Array.isArray(left) !== Array.isArray(right) || items.length !== others.length) return false
    return items.every((item, index) => equals(item, others[index], budget, depth + 1))
  }
  if (!isDict(left) || !isDict(right) || dictSize(left) !== dictSize(right)) return false
  return dictKeys(left).every(
    key => dictHas(right, key) && equals(dictGet(left, key), dictGet(right, key), budget, depth + 1),
  )
}

/** Negative, zero or positive as `left` sorts before, with or after `right`; NaN if neither. TypeError if unordered. */
export function order(left: unknown, right: unknown, operator: string, budget: Budget): number {
  budget.spend(1)
  const a = numberOf(left)
  const b = numberOf(right)
  if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN
  if (typeof left === 'string' && typeof right === 'string') {
    budget.weigh(left.length < right.length ? left : right)
    return left < right ? -1 : left > right ? 1 : 0
  }
  for (const side of [left, right]) if (side instanceof Undefined) throw side.error()
  const items = sequenceItems(left)
  const others = sequenceItems(right)
  if (!items || !others || typeName(left) !== typeName(right)) {
    const types = `'${typeName(left)}' and '${typeName(right)}'`
    throw new TemplateError('TypeError', `'${operator}' not supported between instances of ${types}`)
  }
  for (const [index, item] of items.entries()) {
    if (index >= others.length) break
    if (!equals(item, others[index], budget)) return order(item, others[index], operator, budget)
  }
  return items.length - others.length
}

/** Python's `item in container`; a promise where a host object looks the item up. */
export function contains(container: unknown, item: unknown, budget: Budget): boolean | Promise<boolean> {
  if (typeof container === 'string') {
    if (item instanceof Undefined) throw item.error()
    if (typeof item === 'string') {
      budget.weighSearch(container, item)
      return container.includes(item)
    }
    const type = typeName(item)
    throw new TemplateError('TypeError', `'in <string>' requires string as left operand, not ${type}`)
  }
  if (isDict(container)) return dictHas(container, item)
  if (isTemplateObject(container)) {
    const found = container.getItem(item)
    return found instanceof Promise ? found.then(value => value !== undefined) : found !== undefined
  }
  const items = sequenceItems(container)
  if (!items && !(container instanceof Undefined)) {
    throw new TemplateError('TypeError', `argument of type '${typeName(container)}' is not iterable`)
  }
  return iterate(container, budget).some(each => equals(each, item, budget))
}

/** The text of `a ~ b ~ ...`. */
export function joinTexts(values: readonly unknown[], budget: Budget): string {
  let text = ''
  for (const value of values) {
    text += str(value, budget)
    budget.checkLength(text.length)
  }
  return text
}
