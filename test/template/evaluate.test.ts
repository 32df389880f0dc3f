// Expressions: the results of Jinja2 itself, and awaited values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, jinjaContext, readAnswers, render } from './jinja-context.ts'

for (const group of ['numbers', 'texts', 'formats', 'collections']) {
  test(`Jinja2's answers: ${group}`, async () => {
    const expected = readAnswers(group)
    const given: Record<string, string> = {}
    for (const expression of Object.keys(expected)) {
      given[expression] = await render(`{ ${expression} }`, jinjaContext())
    }
    assert.deepEqual(given, expected)
  })
}

test("Jinja2's exceptions", async () => {
  const expected = readAnswers('errors')
  const given: Record<string, string> = {}
  for (const expression of Object.keys(expected)) {
    given[expression] = (await errorOf(`{ ${expression} }`, jinjaContext())).kind
  }
  assert.deepEqual(given, expected)
})

test('promises of calls, look-ups and variables are awaited', async () => {
  const context = {
    later: Promise.resolve(3),
    fetch: async (n: number) => ({ n, more: async () => [n, n + 1] }),
    printer: { getItem: async (key: unknown) => (key === 'fan' ? { speed: 0.5 } : undefined) },
    list: [Promise.resolve(1), 2],
  }
  assert.equal(await render('{later + 1}', context), '4')
  assert.equal(await render('{fetch(2).more()[1] * 2}', context), '6')
  assert.equal(await render("{printer['fan'].speed} {printer.fan.speed > 0.4}", context), '0.5 True')
  assert.equal(
    await render("{'fan' in printer} {'led' in printer} {'led' not in printer}", context),
    'True False True',
  )
  assert.equal(await render("{[printer, printer]|map(attribute='fan.speed')|sum}", context), '1.0')
  assert.equal(await render('{% for i in list %}{i + 1}{% endfor %}', context), '23')
  assert.equal(await render('{% if fetch(1).n and fetch(2).n == 2 %}yes{% endif %}', context), 'yes')
})

test('and, or and the ternary evaluate only the side they need', async () => {
  const called: string[] = []
  const note = async (name: string) => {
    called.push(name)
    return name === 'true'
  }
  await render("{note('true') or note('a')}{note('false') and note('b')}{1 if true else note('c')}", { note })
  assert.deepEqual(called, ['true', 'false'])
})

test('a strict template makes every use of an undefined value an error', async () => {
  const strict = { undefined: 'strict' } as const
  for (const source of [
    '{nope}',
    '{nope ~ 1}',
    '{% if nope %}{% endif %}',
    '{nope == 1}',
    '{% for i in nope %}{% endfor %}',
  ]) {
    const error = await errorOf(source, {}, strict)
    assert.deepEqual([error.kind, error.detail], ['UndefinedError', "'nope' is undefined"], source)
  }
  assert.equal(await render("{nope|default('d')} {nope is defined}", {}, strict), 'd False')
  assert.equal(await render('[{nope}]'), '[]')
})

test('braces can be double', async () => {
  const double = { braces: 'double' } as const
  assert.equal(
    await render('{ "a": {{ x }} } {%- if x %}{{ " y" }}{% endif %}{# c #}', { x: 1 }, double),
    '{ "a": 1 } y',
  )
})
