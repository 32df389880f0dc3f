// No template can hang the server, use up its memory, or access JavaScript objects.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, render } from './jinja-context.ts'

const DOUBLING = '{% set ns = namespace(v=VALUE) %}{% for i in range(100) %}{% set ns.v = STEP %}{% endfor %}'
const doubling = (value: string, step: string) => DOUBLING.replace('VALUE', value).replace('STEP', step)
const LONG_LOOP = '{% set l = range(50000)|list %}{% for i in range(50000) %}{% set a = BODY %}{% endfor %}'
const looped = (body: string) => LONG_LOOP.replace('BODY', body)

const RUNAWAYS = [
  '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
  doubling("'ab'", 'ns.v ~ ns.v'),
  doubling("'ab'", 'ns.v + ns.v'),
  doubling('[1]', 'ns.v + ns.v'),
  `${doubling('[1]', '[ns.v, ns.v]')}{ns.v}`,
  `${doubling('[1]', '[ns.v, ns.v]')}{call(ns.v)}`,
  '{% set l = [1] %}{% for i in range(100) %}{% do l.extend(l) %}{% endfor %}',
  "{'a' * 10**10}",
  '{[1] * 10**10}',
  '{range(10**9)}',
  "{'%1000000000d' % 1}",
  "{'%.1000000000f' % 1}",
  "{'{:1000000000}'.format(1)}",
  "{'a'|center(10**9)}",
  "{'a'.ljust(10**9)}",
  "{'a'.zfill(10**9)}",
  "{'a'|indent(10**9)}",
  '{[1]|batch(10**9, 0)}',
  '{[1]|slice(10**9)}',
  "{big.replace('', big)}",
  '{([big] * 10000)|join}',
  '{([big] * 10000)|tojson}',
  looped('l.index(49999)'),
  looped('-1 in l'),
  looped('l[1:]'),
  looped('l == l.copy()'),
  looped('big|length'),
  looped("big.find('y')"),
  looped('big[5]'),
  // One long text in many places: copies, comparisons and searches count for each.
  '{([big.upper()] * 10)|unique|length}',
  '{([big] * 7)|sort|length}',
  '{([big] * 100)|max}',
  "{([big] * 100).count('y' ~ big[1:])}",
  "{('y' ~ big[1:]) in ([big] * 100)}",
  "{(big[:99999] ~ 'y') in big}",
  "{big.rfind(big[:99999] ~ 'y')}",
  "{big.rpartition(big[:50000] ~ 'y' ~ big[:50000])}",
  "{big.split(big[:99999] ~ 'y')}",
  "{big.count(big[:99999] ~ 'y')}",
  '{big.strip(big[:99999])}',
  "{([{}] * 1000)|map(attribute='a.' * 100, default={})|list}",
  '{% for i in range(20) %}{% set l = [0]|batch(90000, 1) %}{% endfor %}',
  '{range(9000)|batch(1) is defined}',
  '{big[:30000]|list is defined}',
  '{% macro m(n) %}{% if n %}{m(n-1)}{m(n-1)}{% endif %}{% endmacro %}{m(50)}',
]

test('a template that exceeds a limit is stopped', async () => {
  const context = { big: 'x'.repeat(200_000), call: () => null }
  const limits = { maxSteps: 20_000 }
  for (const source of RUNAWAYS) {
    assert.equal((await errorOf(source, context, { limits })).kind, 'LimitError', source)
  }
})

test('a very long loop stops at the default limit', async () => {
  const source = looped('l[1:]')
  assert.match((await errorOf(source)).detail, /more than 1000000 steps/)
})

test('a caller can set the limits', async () => {
  const kind = async (source: string, limits: object) => (await errorOf(source, {}, { limits })).kind
  assert.equal(await kind('{% for i in range(100) %}{i}{% endfor %}', { maxSteps: 100 }), 'LimitError')
  assert.equal(await kind('abcdef', { maxLength: 5 }), 'LimitError')
  assert.equal(await kind('{[1] * 6}', { maxItems: 5 }), 'LimitError')
  assert.equal(await kind('{% macro m() %}{m()}{% endmacro %}{m()}', { maxDepth: 5 }), 'RecursionError')
  assert.equal(await render('abcde', {}, { limits: { maxLength: 5 } }), 'abcde')
})

test('endless recursion and values that contain themselves are errors', async () => {
  assert.equal((await errorOf('{% macro m() %}{m()}{% endmacro %}{m()}')).kind, 'RecursionError')
  assert.equal((await errorOf('{% set l = [] %}{% do l.append(l) %}{l|tojson}')).kind, 'ValueError')
  assert.equal(await render('{% set l = [1] %}{% do l.append(l) %}{l}'), '[1, [...]]')
})

test('deep nesting is a compile error, a long plain chain is not', async () => {
  const deep = [
    '('.repeat(5000),
    '-'.repeat(5000),
    '[0]'.repeat(5000),
    'not '.repeat(5000),
    '1+'.repeat(5000),
  ]
  for (const part of deep)
    assert.equal((await errorOf(`{1 if ${part}`)).kind, 'TemplateSyntaxError', part.slice(0, 9))
  assert.equal((await errorOf('{% if 1 %}'.repeat(5000))).kind, 'TemplateSyntaxError')
  assert.equal(await render(`{1${'~1'.repeat(5000)}}`), '1'.repeat(5001))
})

test('a long render yields to the event loop', async () => {
  let turns = 0
  const counting = setInterval(() => {
    turns += 1
  }, 0)
  await render('{% for i in range(60000) %}{% set a = i %}{% endfor %}')
  clearInterval(counting)
  assert.ok(turns > 0)
})

const PROTOTYPE_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__class__',
  'call',
  'then',
]

test('templates cannot reach the members of JavaScript objects', async () => {
  class Device {
    secret = 1
    open() {
      return 'opened'
    }
  }
  const context = {
    dict: { a: 1 },
    list: [1],
    text: 'a',
    call: () => 1,
    device: new Device(),
    date: new Date(0),
  }
  const owners = [
    ...Object.keys(context),
    '(1)',
    '(1.5)',
    'range',
    'namespace(a=1)',
    'cycler(1)',
    "{'a': 1}",
    '(1, 2)',
  ]
  for (const name of PROTOTYPE_NAMES) {
    for (const owner of owners) {
      const source = `{${owner}.${name} is defined}{(${owner})['${name}'] is defined}{[${owner}]|map(attribute='${name}')|first is defined}`
      assert.equal(await render(` ${source.replace('{{', '{ {')}`, context), ' FalseFalseFalse', source)
    }
    assert.equal(
      await render(`{${name} is defined}{'${name}' is filter}{'${name}' is test}`),
      'FalseFalseFalse',
    )
  }
  assert.equal(await render('{device.secret is defined}{device.open is defined}', context), 'FalseFalse')
})

test('keys named like members of objects are ordinary keys and change no prototype', async () => {
  const user: Record<string, unknown> = {}
  const source = `{% do user.__setitem__('__proto__', {'polluted': 1}) %}{% do user.update({'constructor': 2}) %}
    {% set d = '{"__proto__": {"polluted": 3}}'|fromjson %}{user['__proto__'].polluted}{user.constructor}{d.__proto__.polluted}`
  assert.equal((await render(source, { user })).trim(), '123')
  assert.equal(Object.getPrototypeOf(user), Object.prototype)
  assert.equal('polluted' in {}, false)
})

test('an object with a key `then` is a value, not a promise', async () => {
  let called = 0
  const call = () => {
    called += 1
  }
  const user: Record<string, unknown> = {}
  assert.equal(
    await render("{% do user.__setitem__('then', call) %}{(user or 1).then is callable}", { user, call }),
    'True',
  )
  assert.equal(called, 0)
})
