// The filters on lists and dicts.

import { type Builtin, type Builtins, type Run, required } from './builtin.ts'
import { pairTuples } from './container-methods.ts'
import { dictSize } from './dict.ts'
import { getItem } from './lookup.ts'
import { arithmetic, equals, isTrue, iterate, lengthOf, order } from './operators.ts'
import { TemplateError } from './template-error.ts'
import { str } from './text.ts'
import { dictEntries, integerOf, isDict, type Named, Sequence, tuple, typeName, Undefined } from './values.ts'

/** What an `attribute` argument (`"a.b.0"`, a number, or null for the item itself) selects from an item. */
async function pick(item: unknown, attribute: unknown, fallback: unknown, run: Run): Promise<unknown> {
  // A filter over many items runs in several turns of the event loop.
  if (run.budget.isTired) await run.budget.breathe()
  if (attribute === null || attribute === undefined) return item
  run.budget.weigh(attribute)
  const path = typeof attribute === 'string' ? attribute.split('.') : [attribute]
  run.budget.spend(path.length)
  let value = item
  for (const part of path) {
    const key = typeof part === 'string' && /^\d+$/.test(part) ? Number(part) : part
    value = await getItem(value, key, run)
    if (value instanceof Undefined && fallback !== undefined) value = fallback
  }
  return value
}

function foldCase(value: unknown, caseSensitive: unknown, run: Run): unknown {
  if (typeof value !== 'string' || isTrue(caseSensitive)) return value
  // A copy for each item, also where all items are the same text.
  run.budget.weigh(value)
  return value.toLowerCase()
}

interface Keyed {
  readonly item: unknown
  readonly key: unknown
}

async function keyed(
  value: unknown,
  attribute: unknown,
  caseSensitive: unknown,
  run: Run,
  fallback?: unknown,
): Promise<Keyed[]> {
  const pairs: Keyed[] = []
  for (const item of iterate(value, run.budget)) {
    pairs.push({ item, key: foldCase(await pick(item, attribute, fallback, run), caseSensitive, run) })
  }
  return pairs
}

/** `max` or `min`: the item that is `>` or `<` than the others. */
function extreme(operator: '>' | '<'): Builtin {
  const sign = operator === '>' ? 1 : -1
  return {
    params: ['case_sensitive', 'attribute'],
    async run(value, [caseSensitive = false, attribute = null], run) {
      const [first, ...others] = await keyed(value, attribute, caseSensitive, run)
      if (!first) return run.undefined('No aggregated item, sequence was empty.')
      let best = first
      for (const each of others) if (order(each.key, best.key, operator, run.budget) * sign > 0) best = each
      return best.item
    },
  }
}

async function sorted(
  value: unknown,
  reverse: unknown,
  caseSensitive: unknown,
  attribute: unknown,
  run: Run,
) {
  const paths: unknown[] = typeof attribute === 'string' ? attribute.split(',') : [attribute]
  const rows: { item: unknown; keys: unknown[] }[] = []
  for (const item of iterate(value, run.budget)) {
    const keys: unknown[] = []
    for (const path of paths) keys.push(foldCase(await pick(item, path, undefined, run), caseSensitive, run))
    rows.push({ item, keys })
  }
  const direction = isTrue(reverse) ? -1 : 1
  rows.sort((a, b) => direction * order(only(a.keys), only(b.keys), '<', run.budget))
  return rows.map(row => row.item)
}

function only(keys: unknown[]): unknown {
  return keys.length === 1 ? keys[0] : keys
}

async function grouped(
  value: unknown,
  attribute: unknown,
  fallback: unknown,
  caseSensitive: unknown,
  run: Run,
) {
  const pairs = await keyed(value, attribute, caseSensitive, run, fallback)
  pairs.sort((a, b) => order(a.key, b.key, '<', run.budget))
  const groups: { key: unknown; items: unknown[] }[] = []
  for (const { item, key } of pairs) {
    const last = groups.at(-1)
    if (last && equals(last.key, key, run.budget)) last.items.push(item)
    else groups.push({ key, items: [item] })
  }
  const result: Sequence[] = []
  for (const { items } of groups) {
    const name = await pick(items[0], attribute, fallback, run)
    result.push(new Sequence('tuple', [name, items], ['grouper', 'list']))
  }
  return result
}

async function unique(
  value: unknown,
  caseSensitive: unknown,
  attribute: unknown,
  run: Run,
): Promise<unknown[]> {
  const seen = new Set<unknown>()
  const kept: Keyed[] = []
  for (const each of await keyed(value, attribute, caseSensitive, run)) {
    const isObject = typeof each.key === 'object' && each.key !== null
    if (isObject ? kept.some(other => equals(other.key, each.key, run.budget)) : seen.has(each.key)) continue
    seen.add(each.key)
    kept.push(each)
  }
  return kept.map(each => each.item)
}

/** `select`, `reject` and their `attr` forms: keeps the items for which the test returns `wanted`. */
function selection(wanted: boolean, byAttribute: boolean): Builtin {
  return {
    async run(value, args, run, named) {
      const [attribute, test, ...rest] = byAttribute ? args : [null, ...args]
      if (byAttribute) required(attribute, 'selectattr', 'attribute')
      const kept: unknown[] = []
      for (const item of iterate(value, run.budget)) {
        const tested = await pick(item, attribute, undefined, run)
        const answer =
          test === undefined ? tested : await run.applyTest(str(test, run.budget), tested, rest, named)
        if (isTrue(answer) === wanted) kept.push(item)
      }
      return kept
    },
  }
}

async function mapped(value: unknown, args: unknown[], named: Named, run: Run): Promise<unknown[]> {
  const items = iterate(value, run.budget)
  const results: unknown[] = []
  if (args.length === 0 && named.has('attribute')) {
    for (const key of named.keys()) {
      if (key !== 'attribute' && key !== 'default') {
        throw new TemplateError('FilterArgumentError', `Unexpected keyword argument '${key}'`)
      }
    }
    for (const item of items)
      results.push(await pick(item, named.get('attribute'), named.get('default'), run))
    return results
  }
  const [filter, ...rest] = args
  if (filter === undefined) throw new TemplateError('FilterArgumentError', 'map requires a filter argument')
  for (const item of items) {
    if (run.budget.isTired) await run.budget.breathe()
    results.push(await run.applyFilter(str(filter, run.budget), item, rest, named))
  }
  return results
}

function batches(items: readonly unknown[], size: number, fill: unknown, run: Run): unknown[][] {
  if (size < 1) throw new TemplateError('ValueError', 'batch needs at least 1 item in a row')
  const rows: unknown[][] = []
  run.budget.spend(Math.ceil(items.length / size))
  for (let at = 0; at < items.length; at += size) rows.push(items.slice(at, at + size))
  const last = rows.at(-1)
  if (last && fill !== null) {
    run.budget.checkItems(size)
    run.budget.spend(size >> 2)
    while (last.length < size) last.push(fill)
  }
  return rows
}

function columns(items: readonly unknown[], count: number, fill: unknown, run: Run): unknown[][] {
  if (count < 1) throw new TemplateError('ValueError', 'slice needs at least 1 column')
  run.budget.checkItems(count)
  run.budget.spend(count)
  const size = Math.floor(items.length / count)
  const longer = items.length % count
  let at = 0
  return Array.from({ length: count }, (_, index) => {
    const column = items.slice(at, at + size + (index < longer ? 1 : 0))
    at += column.length
    if (fill !== null && index >= longer) column.push(fill)
    return column
  })
}

async function sum(value: unknown, attribute: unknown, start: unknown, run: Run): Promise<unknown> {
  let total = start
  for (const { key } of await keyed(value, attribute, true, run)) {
    total = arithmetic('+', total, key, run.budget)
    run.budget.admit(total)
  }
  return total
}

async function joined(value: unknown, separator: string, attribute: unknown, run: Run): Promise<string> {
  let text = ''
  for (const [index, { key }] of (await keyed(value, attribute, true, run)).entries()) {
    text += (index > 0 ? separator : '') + str(key, run.budget)
    run.budget.checkLength(text.length)
  }
  return text
}

function sortedPairs(
  value: unknown,
  caseSensitive: unknown,
  by: unknown,
  reverse: unknown,
  run: Run,
): Sequence[] {
  if (value instanceof Undefined) throw value.error()
  if (!isDict(value)) throw new TemplateError('TypeError', `dictsort needs a dict, not '${typeName(value)}'`)
  if (by !== 'key' && by !== 'value') {
    throw new TemplateError('FilterArgumentError', 'You can only sort by either "key" or "value"')
  }
  const direction = isTrue(reverse) ? -1 : 1
  const sortKey = (pair: [unknown, unknown]) => foldCase(by === 'key' ? pair[0] : pair[1], caseSensitive, run)
  run.budget.spend(dictSize(value))
  const pairs = dictEntries(value).sort((a, b) => direction * order(sortKey(a), sortKey(b), '<', run.budget))
  return pairs.map(pair => tuple(...pair))
}

const length: Builtin = {
  params: [],
  run(value) {
    const count = lengthOf(value)
    if (count === undefined)
      throw new TemplateError('TypeError', `object of type '${typeName(value)}' has no len()`)
    return count
  },
}

/** Filters on lists and dicts. */
export const sequenceFilters: Builtins = {
  batch: {
    params: ['linecount', 'fill_with'],
    run: (value, [size, fill = null], run) =>
      batches(
        iterate(value, run.budget),
        integerOf(required(size, 'batch', 'linecount'), 'linecount'),
        fill,
        run,
      ),
  },
  count: length,
  dictsort: {
    params: ['case_sensitive', 'by', 'reverse'],
    run: (value, [caseSensitive = false, by = 'key', reverse = false], run) =>
      sortedPairs(value, caseSensitive, by, reverse, run),
  },
  first: {
    params: [],
    run: (value, _, run) =>
      iterate(value, run.budget)[0] ?? emptyOrNone(value, run, 'No first item, sequence was empty.'),
  },
  groupby: {
    params: ['attribute', 'default', 'case_sensitive'],
    run: (value, [attribute, fallback, caseSensitive = false], run) =>
      grouped(value, required(attribute, 'groupby', 'attribute'), fallback, caseSensitive, run),
  },
  items: {
    params: [],
    run(value, _, run) {
      if (value instanceof Undefined) return []
      if (isDict(value)) return pairTuples(value, run)
      throw new TemplateError('TypeError', 'Can only get item pairs from a mapping.')
    },
  },
  join: {
    params: ['d', 'attribute'],
    run: (value, [separator = '', attribute = null], run) =>
      joined(value, str(separator, run.budget), attribute, run),
  },
  last: {
    params: [],
    run: (value, _, run) =>
      iterate(value, run.budget).at(-1) ?? emptyOrNone(value, run, 'No last item, sequence was empty.'),
  },
  length,
  list: { params: [], run: (value, _, run) => [...iterate(value, run.budget)] },
  map: { run: (value, args, run, named) => mapped(value, args, named, run) },
  max: extreme('>'),
  min: extreme('<'),
  random: {
    params: [],
    run(value, _, run) {
      const items = iterate(value, run.budget)
      return (
        items[Math.floor(Math.random() * items.length)] ??
        emptyOrNone(value, run, 'No random item, sequence was empty.')
      )
    },
  },
  reject: selection(false, false),
  rejectattr: selection(false, true),
  reverse: {
    params: [],
    run(value, _, run) {
      const items = [...iterate(value, run.budget)].reverse()
      return typeof value === 'string' ? items.join('') : items
    },
  },
  select: selection(true, false),
  selectattr: selection(true, true),
  slice: {
    params: ['slices', 'fill_with'],
    run: (value, [count, fill = null], run) =>
      columns(iterate(value, run.budget), integerOf(required(count, 'slice', 'slices'), 'slices'), fill, run),
  },
  sort: {
    params: ['reverse', 'case_sensitive', 'attribute'],
    run: (value, [reverse = false, caseSensitive = false, attribute = null], run) =>
      sorted(value, reverse, caseSensitive, attribute, run),
  },
  sum: {
    params: ['attribute', 'start'],
    run: (value, [attribute = null, start = 0], run) => sum(value, attribute, start, run),
  },
  unique: {
    params: ['case_sensitive', 'attribute'],
    run: (value, [caseSensitive = false, attribute = null], run) =>
      unique(value, caseSensitive, attribute, run),
  },
}

function emptyOrNone(value: unknown, run: Run, message: string): unknown {
  return lengthOf(value) ? null : run.undefined(message)
}
