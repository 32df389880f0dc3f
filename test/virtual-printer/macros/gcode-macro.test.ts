// Macros: templates with parameters, variables, the printer's state, actions and renaming.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatLiteral, parseLiteral } from '../../../src/virtual-printer/macros/python-literal.ts'
import { type Client, MACHINE, type PrinterRig, startPrinter } from '../printer-rig.ts'

async function withMacros(config: string): Promise<{ rig: PrinterRig; client: Client }> {
  const rig = await startPrinter({ config: MACHINE + config })
  const client = await rig.connect()
  await client.subscribeOutput()
  return { rig, client }
}

describe('macros', { concurrency: true }, () => {
  test('parameters, raw parameters, defaults and conditions', async () => {
    const { rig, client } = await withMacros(`[gcode_macro REPLY]
description: Replies something
gcode:
  {% set WHAT = params.WHAT|default("nothing") %}
  M118 {WHAT} {params.N|default(1)|int + 1}
  {% if rawparams %}
  M118 raw {rawparams}
  {% endif %}
`)
    await using _ = rig
    await client.script('REPLY\nreply what=x n=4')
    assert.deepEqual(client.output, ['echo: nothing 2', 'echo: x 5', 'echo: raw what=x n=4'])
    assert.equal((await client.call('gcode/help')).REPLY, 'Replies something')
  })

  test('the state of the printer, positions by letter', async () => {
    const { rig, client } = await withMacros(`[gcode_macro LOOK]
gcode:
  M118 {printer.toolhead.homed_axes} {printer.toolhead.axis_maximum.x|int} {printer.toolhead.position.z|int}
  M118 {printer["gcode_macro LOOK"] is defined} {'heaters' in printer} {'nosuch' in printer}
  M118 {printer.configfile.settings.extruder.max_temp|int}
`)
    await using _ = rig
    await client.script('SET_KINEMATIC_POSITION X=1 Y=2 Z=3\nLOOK')
    assert.deepEqual(client.output, ['echo: xyz 235 3', 'echo: True True False', 'echo: 300'])
  })

  test('variables are status and can be set', async () => {
    const { rig, client } = await withMacros(`[gcode_macro V]
variable_count: 3
variable_list: [1, 'two', None]
gcode:
  M118 {count}
  SET_GCODE_VARIABLE MACRO=V VARIABLE=count VALUE={count + 1}
  M118 {printer["gcode_macro V"].count}
`)
    await using _ = rig
    await client.script('V')
    // The template is rendered before its commands run.
    assert.deepEqual(client.output, ['echo: 3', 'echo: 3'])
    assert.deepEqual(await client.query('gcode_macro V'), { count: 4, list: [1, 'two', null] })
    await assert.rejects(client.script('SET_GCODE_VARIABLE MACRO=V VARIABLE=x VALUE=1'), {
      message: "Unknown gcode_macro variable 'x'",
    })
  })

  test('actions: responding, raising an error, stopping', async () => {
    const { rig, client } = await withMacros(`[gcode_macro INFO]
gcode: {action_respond_info("hello")}
[gcode_macro RAISE]
gcode: {action_raise_error("no way")}
[gcode_macro STOP]
gcode: {action_emergency_stop("fire")}
`)
    await using _ = rig
    await client.script('INFO')
    const message = "Error evaluating 'gcode_macro RAISE:gcode': gcode.CommandError: no way"
    await assert.rejects(client.script('RAISE'), { message: `${message}\n` })
    assert.deepEqual(client.output, ['// hello', `!! ${message}`])
    await client.script('STOP')
    assert.match(rig.printer.stateMessage, /^Shutdown due to fire\n/)
    const stopped = `${rig.printer.stateMessage.trimEnd()}\nKlipper state: Not ready`
    await assert.rejects(client.script('STATUS'), { message: stopped })
  })

  test('an error in a nested macro is reported at each level', async () => {
    const { rig, client } = await withMacros('[gcode_macro BAD]\ngcode:\n  G1 X5\n')
    await using _ = rig
    await assert.rejects(client.script('BAD'), /Must home axis first/)
    const line = '!! Must home axis first: 5.000 0.000 0.000 [0.000]'
    assert.deepEqual(client.output, [line, line])
  })

  test('a template error is reported at the call, a syntax error at the start', async () => {
    const { rig, client } = await withMacros('[gcode_macro BAD]\ngcode: {printer.nosuch.field}\n')
    await using _ = rig
    await assert.rejects(client.script('BAD'), /^Error: Error evaluating 'gcode_macro BAD:gcode'/)
    await using broken = await startPrinter({
      config: `${MACHINE}[gcode_macro X]\ngcode: {% if %}\n`,
      ready: false,
    })
    assert.equal(broken.printer.state, 'error')
    assert.match(broken.printer.stateMessage, /^Error loading template 'gcode_macro X:gcode'/)
  })

  test('a macro can replace a command; a missing command stops the start', async () => {
    const { rig, client } = await withMacros(
      '[gcode_macro M117]\nrename_existing: M117.1\ngcode:\n  M117.1 shown {rawparams}\n',
    )
    await using _ = rig
    await client.script('M117 hi')
    assert.equal((await client.query('display_status')).message, 'shown hi')
    await using broken = await startPrinter({
      config: `${MACHINE}[gcode_macro NOPE]\nrename_existing: NOPE_BASE\ngcode: M118\n`,
      ready: false,
    })
    await assert.rejects(
      broken.printer.untilReady(),
      /Existing command 'NOPE' not found in gcode_macro rename/,
    )
  })

  test('delayed G-code repeats itself until it is stopped', async () => {
    const { rig, client } = await withMacros(`[delayed_gcode tick]
gcode:
  M118 tick
  UPDATE_DELAYED_GCODE ID=tick DURATION=2
[delayed_gcode once]
initial_duration: 1
gcode: UPDATE_DELAYED_GCODE ID=tick DURATION=1
`)
    await using _ = rig
    await client.until(() => client.output.length >= 3)
    await client.script('UPDATE_DELAYED_GCODE ID=tick DURATION=0\nM118 last')
    const count = client.output.length
    await client.script('G4 P60000\nM400')
    assert.equal(client.output.length, count)
  })
})

test('Python literals are read and written', () => {
  const cases: [string, unknown, string?][] = [
    ['5', 5],
    ['-2.5e3', -2500, '-2500'],
    ['0x1F', 31, '31'],
    ["'it\\'s'", "it's", '"it\'s"'],
    ['"a" "b"', 'ab', "'ab'"],
    ['True', true],
    ['None', null],
    ['[1, (2, 3), [],]', [1, [2, 3], []], '[1, [2, 3], []]'],
    ['(1)', 1, '1'],
    ['(1,)', [1], '[1]'],
    ["{'a': 1, 'b': {'c': None}}", { a: 1, b: { c: null } }],
  ]
  for (const [text, value, written = text] of cases) {
    assert.deepEqual(parseLiteral(text), value, text)
    assert.equal(formatLiteral(value), written)
  }
  for (const text of ['', 'foo', '[1', '1 2', 'print()', "'a"])
    assert.throws(() => parseLiteral(text), SyntaxError)
})
