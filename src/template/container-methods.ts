// The methods of lists, tuples, dicts and floats that templates may call.

import { type Builtin, type Builtins, type Run, required } from './builtin.ts'
import { dictDelete, dictGet, dictHas, dictKeys, dictSet, dictSize, dictUpdate, pairsOf } from './dict.ts'
import { contains, equals, isTrue, iterate, order } from './operators.ts'
import { TemplateError } from './template-error.ts'
import { repr } from './text.ts'
import { type Dict, dictEntries, fromHost, integerOf, numberOf, Sequence, tuple } from './values.ts'

function indexOf(items: readonly unknown[], wanted: unknown, run: Run): number {
  const index = items.findIndex(item => equals(item, wanted, run.budget))
  if (index < 0) throw new TemplateError('ValueError', `${repr(wanted, run.budget)} is not in list`)
  return index
}

function position(items: readonly unknown[], index: unknown, name: string): number {
  const given = integerOf(index, 'a list index')
  const counted = given < 0 ? items.length + given : given
  if (counted < 0 || counted >= items.length)
    throw new TemplateError('IndexError', `${name} index out of range`)
  return counted
}

const index: Builtin<readonly unknown[]> = {
  params: ['value'],
  run: (items, [value], run) => indexOf(items, required(value, 'index', 'value'), run),
}

const count: Builtin<readonly unknown[]> = {
  params: ['value'],
  run: (items, [value], run) => items.filter(item => equals(item, value, run.budget)).length,
}

/** Methods of a list. */
export const listMethods: Builtins<unknown[]> = {
  index,
  count,
  append: {
    params: ['value'],
    run(items, [value], run) {
      run.budget.checkItems(items.length + 1)
      items.push(required(value, 'append', 'value'))
      return null
    },
  },
  extend: {
    params: ['values'],
    run(items, [values], run) {
      const added = iterate(required(values, 'extend', 'values'), run.budget)
      run.budget.checkItems(items.length + added.length)
      for (const value of added) items.push(value)
      return null
    },
  },
  insert: {
    params: ['index', 'value'],
    run(items, [at, value], run) {
      run.budget.checkItems(items.length + 1)
      run.budget.spend(items.length >> 2)
      items.splice(integerOf(at, 'a list index'), 0, required(value, 'insert', 'value'))
      return null
    },
  },
  pop: {
    params: ['index'],
    run(items, [at = -1], run) {
      if (items.length === 0) throw new TemplateError('IndexError', 'pop from empty list')
      run.budget.spend(items.length >> 6)
      return fromHost(items.splice(position(items, at, 'pop'), 1)[0])
    },
  },
  remove: {
    params: ['value'],
    run(items, [value], run) {
      items.splice(indexOf(items, required(value, 'remove', 'value'), run), 1)
      return null
    },
  },
  clear: {
    params: [],
    run(items) {
      items.length = 0
      return null
    },
  },
  copy: { params: [], run: items => [...items] },
  reverse: {
    params: [],
    run(items, _, run) {
      run.budget.spend(items.length >> 2)
      items.reverse()
      return null
    },
  },
  sort: {
    params: ['key', 'reverse'],
    run(items, [key, reverse = false], run) {
      if (key !== undefined && key !== null) {
        throw new TemplateError(
          'TypeError',
          'sort() has no key function here; use the filter sort(attribute=...)',
        )
      }
      const direction = isTrue(reverse) ? -1 : 1
      items.sort((a, b) => direction * order(a, b, '<', run.budget))
      return null
    },
  },
  __getitem__: { params: ['index'], run: (items, [at]) => fromHost(items[position(items, at, 'list')]) },
  __setitem__: {
    params: ['index', 'value'],
    run(items, [at, value]) {
      items[position(items, at, 'list assignment')] = required(value, '__setitem__', 'value')
      return null
    },
  },
  __len__: { params: [], run: items => items.length },
  __contains__: { params: ['value'], run: (items, [value], run) => contains(items, value, run.budget) },
}

/** Methods of a tuple. */
export const tupleMethods: Builtins<Sequence> = {
  index: { params: ['value'], run: (self, args, run, named) => index.run(self.items, args, run, named) },
  count: { params: ['value'], run: (self, args, run, named) => count.run(self.items, args, run, named) },
}

/** Methods of a float. */
export const numberMethods: Builtins = {
  is_integer: { params: [], run: self => Number.isInteger(numberOf(self)) },
}

function keyError(key: unknown, run: Run): TemplateError {
  return new TemplateError('KeyError', repr(key, run.budget))
}

/** The pairs of a dict as tuples, each of which counts as work. */
export function pairTuples(dict: Dict, run: Run): Sequence[] {
  run.budget.spend(dictSize(dict))
  return dictEntries(dict).map(pair => tuple(...pair))
}

/** Methods of a dict. */
export const dictMethods: Builtins<Dict> = {
  items: { params: [], run: (dict, _, run) => new Sequence('dict_items', pairTuples(dict, run)) },
  keys: { params: [], run: dict => new Sequence('dict_keys', dictKeys(dict)) },
  values: {
    params: [],
    run: dict =>
      new Sequence(
        'dict_values',
        dictEntries(dict).map(([, value]) => value),
      ),
  },
  get: {
    params: ['key', 'default'],
    run(dict, [key, fallback = null]) {
      const value = dictGet(dict, required(key, 'get', 'key'))
      return value === undefined ? fallback : value
    },
  },
  update: {
    run(dict, args, run, named) {
      if (args.length > 1)
        throw new TemplateError('TypeError', 'update() takes one dict and keyword arguments')
      for (const source of args) dictUpdate(dict, source)
      for (const [key, value] of named) dictSet(dict, key, value)
      run.budget.checkItems(dictSize(dict))
      return null
    },
  },
  pop: {
    params: ['key', 'default'],
    run(dict, [key, fallback], run) {
      const value = dictGet(dict, required(key, 'pop', 'key'))
      if (value === undefined) {
        if (fallback === undefined) throw keyError(key, run)
        return fallback
      }
      dictDelete(dict, key)
      return value
    },
  },
  popitem: {
    params: [],
    run(dict) {
      const last = dictEntries(dict).at(-1)
      if (!last) throw new TemplateError('KeyError', "'popitem(): dictionary is empty'")
      dictDelete(dict, last[0])
      return tuple(...last)
    },
  },
  setdefault: {
    params: ['key', 'default'],
    run(dict, [key, fallback = null]) {
      if (!dictHas(dict, required(key, 'setdefault', 'key'))) dictSet(dict, key, fallback)
      return dictGet(dict, key)
    },
  },
  clear: {
    params: [],
    run(dict) {
      for (const key of dictKeys(dict)) dictDelete(dict, key)
      return null
    },
  },
  copy: { params: [], run: dict => new Map(pairsOf(dict)) },
  __getitem__: {
    params: ['key'],
    run(dict, [key], run) {
      const value = dictGet(dict, required(key, '__getitem__', 'key'))
      if (value === undefined) throw keyError(key, run)
      return value
    },
  },
  __setitem__: {
    params: ['key', 'value'],
    run(dict, [key, value]) {
      dictSet(dict, required(key, '__setitem__', 'key'), required(value, '__setitem__', 'value'))
      return null
    },
  },
  __delitem__: {
    params: ['key'],
    run(dict, [key], run) {
      if (!dictHas(dict, key)) throw keyError(key, run)
      dictDelete(dict, key)
      return null
    },
  },
  __len__: { params: [], run: dict => dictSize(dict) },
  __contains__: { params: ['key'], run: (dict, [key]) => dictHas(dict, key) },
}
