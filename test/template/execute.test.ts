// Statements: the results of Jinja2 itself, and macros as Klipper's users write them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate } from '../../src/template/index.ts'
import { float } from '../../src/template/values.ts'
import { errorOf, jinjaContext, readAnswers, render } from './jinja-context.ts'

test("Jinja2's answers: statements", async () => {
  const expected = readAnswers('statements')
  const given: Record<string, string> = {}
  for (const source of Object.keys(expected)) given[source] = await render(source, jinjaContext())
  assert.deepEqual(given, expected)
})

test("Jinja2's exceptions: statements", async () => {
  const expected = readAnswers('statement-errors')
  const given: Record<string, string> = {}
  for (const source of Object.keys(expected)) given[source] = (await errorOf(source, jinjaContext())).kind
  assert.deepEqual(given, expected)
})

test('tags that need other files are rejected by name', async () => {
  for (const tag of ['include "a"', 'import "a" as b', 'extends "a"', 'block x', 'for i in [] recursive']) {
    const error = await errorOf(`\n{% ${tag} %}`)
    assert.equal(error.kind, 'TemplateSyntaxError')
    assert.match(error.message, /^line 2: .*not supported here$/)
  }
})

const START_PRINT = `
  {% set BED = params.BED|default(printer["gcode_macro START_PRINT"].bed)|float %}
  {% set HOTEND = params.HOTEND|default(printer["gcode_macro START_PRINT"].hotend)|float %}
  M140 S{BED}
  {% if "xyz" not in printer.toolhead.homed_axes %}
  G28
  {% endif %}
  G1 X{printer.toolhead.axis_maximum.x / 2} Z{[printer.toolhead.position.z + 10, 50]|min}
  M109 S{HOTEND}
  {action_respond_info("heating to %.1f" % HOTEND)}
  {% for color in printer.colors if color != "FF0000" -%}
  M117 {loop.index}/{loop.length} {color}
  {%- endfor %}
`

test('a macro reads the printer and its parameters, and can be rendered again', async () => {
  const responses: unknown[] = []
  const status: Record<string, unknown> = {
    'gcode_macro START_PRINT': { bed: 60, hotend: 200 },
    toolhead: { homed_axes: 'xy', axis_maximum: { x: 235 }, position: { z: float(0) } },
    colors: ['FF0000', '00FF00'],
  }
  const printer = { getItem: (key: unknown) => status[String(key)] }
  const macro = compileTemplate(START_PRINT)
  const lines = async (params: Record<string, string>) => {
    const text = await macro.render({
      printer,
      params,
      action_respond_info: (message: string) => void responses.push(message),
    })
    return text
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean)
  }
  assert.deepEqual(await lines({ BED: '65.5' }), [
    'M140 S65.5',
    'G28',
    'G1 X117.5 Z10.0',
    'M109 S200.0',
    'None',
    'M117 1/1 00FF00',
  ])
  const [cold, hot] = await Promise.all([lines({ HOTEND: '30' }), lines({ HOTEND: '250' })])
  assert.equal(cold[3], 'M109 S30.0')
  assert.equal(hot[3], 'M109 S250.0')
  assert.deepEqual(responses, ['heating to 200.0', 'heating to 30.0', 'heating to 250.0'])
})
