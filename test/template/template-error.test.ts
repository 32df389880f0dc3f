// Errors contain the line and the reason.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate, TemplateError } from '../../src/template/index.ts'
import { errorOf } from './jinja-context.ts'

const SYNTAX: Record<string, string> = {
  'G28\n{x y}': "line 2: expected the end of the tag, got 'y'",
  'G28\n{}': 'line 2: expected an expression, got the end of the tag',
  '\n\n{% if x %}\nG28\n':
    "line 4: 'if' on line 3 needs 'elif' or 'else' or 'endif' before the template ends",
  '{% for a b %}': "line 1: expected 'in', got 'b'",
  '{% frob %}': "line 1: Encountered unknown tag 'frob'.",
  '{x\n|\nnofilter}': "line 3: No filter named 'nofilter'.",
  '{x is nosuch}': "line 1: No test named 'nosuch'.",
  '{[1, 2}': "line 1: unexpected '}', expected ']'",
  "{'abc}": 'line 1: unexpected char "\'"',
  '{# c': 'line 1: Missing end of comment tag',
  '\n{% raw %}': 'line 2: Missing end of raw directive',
  '{% set none = 1 %}': "line 1: can't assign to 'none'",
  "{'\\xg'}": "line 1: the text has an invalid escape '\\x'",
}

test('an error in the source is thrown at the compilation', () => {
  for (const [source, message] of Object.entries(SYNTAX)) {
    assert.throws(
      () => compileTemplate(source),
      thrown => thrown instanceof TemplateError && thrown.message === message,
      source,
    )
  }
})

const RUNTIME: Record<string, string> = {
  'G28\n{nope.x}\n': "line 2: 'nope' is undefined",
  "{% set d = {'a': 1} %}\n{d.b.c}": "line 2: 'dict object' has no attribute 'b'",
  '{\n1 +\n"a"}': "line 2: unsupported operand type(s) for +: 'int' and 'str'",
  '{% macro m() %}\n{1/0}\n{% endmacro %}\n\n{m()}': 'line 2: division by zero',
  '\n{5()}': "line 2: 'int' object is not callable",
  '{% for a, b in [1] %}{% endfor %}': "line 1: 'int' object is not iterable",
  "{'a' < 1}": "line 1: '<' not supported between instances of 'str' and 'int'",
  '{[]|join(1, 2, 3)}': 'line 1: join() takes at most 2 argument(s) (3 given)',
  '{1|round(digits=2)}': "line 1: round() got an unexpected keyword argument 'digits'",
  "{'a'.split(1)}": "line 1: split(): the argument 'sep' must be a str",
  "{'{'|fromjson}": "line 1: fromjson: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
}

test('an error of a render has the line of the evaluated node', async () => {
  for (const [source, message] of Object.entries(RUNTIME))
    assert.equal((await errorOf(source)).message, message)
})

test('an error has the column of its place in the source', async () => {
  for (const [source, line, column] of [
    ['x {nope.x}', 1, 8],
    ['a\n  b {1 + 1/0}', 2, 11],
    ['{% if a %}\n  {% nonsense %}', 2, 6],
    ['{ a $ b }', 1, 5],
    ['{a|unknown}', 1, 4],
  ] as const) {
    const error = await errorOf(source)
    assert.deepEqual([error.line, error.column], [line, column], source)
  }
})

test('the error of a host function is the cause', async () => {
  const thrown = new Error('Must home axis first')
  const raise = () => {
    throw thrown
  }
  const error = await errorOf('\n{raise()}', { raise })
  assert.deepEqual(
    [error.kind, error.line, error.detail, error.cause],
    ['HostError', 2, thrown.message, thrown],
  )
  const rejected = await errorOf('{reject()}', { reject: () => Promise.reject(thrown) })
  assert.equal(rejected.cause, thrown)
})
