// Parsing of G-code lines: names, parameters of both styles, quoting, comments, and Klipper's errors.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandName } from '../../../src/motion/command-text.ts'
import { MoveWords } from '../../../src/motion/move-words.ts'
import { GcodeError } from '../../../src/virtual-printer/errors.ts'
import { GcodeCommand } from '../../../src/virtual-printer/gcode/command.ts'

test('the name of a command', () => {
  const cases: [string, string][] = [
    ['G1 X5', 'G1'],
    ['g28', 'G28'],
    ['G1X5Y6', 'G1'],
    ['N12 G1 X5*33', 'G1'],
    ['SET_PIN PIN=a VALUE=1', 'SET_PIN'],
    ['start_print', 'START_PRINT'],
    ['M117 Hello', 'M117'],
    ['M117 100 percent', 'M117 100'],
    ['; comment', ''],
    ['', ''],
    ['T0', 'T0'],
    ['M104 S0 ; off', 'M104'],
    ['G28;all', 'G28'],
  ]
  for (const [line, name] of cases) assert.equal(commandName(line), name, line)
})

test('parameters of a traditional command', () => {
  const command = new GcodeCommand('G1', 'N5 g1 x1.5 Y-.25 E 3 F6000 *71 ; home X9')
  assert.equal(command.number('X'), 1.5)
  assert.equal(command.number('Y'), -0.25)
  assert.equal(command.number('E'), 3)
  assert.equal(command.integer('F'), 6000)
  assert.equal(command.optionalNumber('Z'), undefined)
})

test('parameters of an extended command: quotes, capitals, comments', () => {
  const line = 'EXCLUDE name="a b" Msg=\'it is\' COUNT=3 # comment X=1'
  const command = new GcodeCommand('EXCLUDE', line)
  assert.deepEqual(Object.fromEntries(command.params), { NAME: 'a b', MSG: 'it is', COUNT: '3' })
  assert.throws(() => new GcodeCommand('A_B', 'A_B x').params, new GcodeError("Malformed command 'A_B x'"))
  assert.throws(() => new GcodeCommand('A_B', 'A_B X="1').params, /Malformed command/)
})

test('errors about parameters', () => {
  const command = new GcodeCommand('SET_X', 'SET_X A=abc B=5')
  const cases: [() => unknown, string][] = [
    [() => command.text('C'), "Error on 'SET_X A=abc B=5': missing C"],
    [() => command.number('A'), "Error on 'SET_X A=abc B=5': unable to parse abc"],
    [() => command.number('B', 0, { min: 6 }), "Error on 'SET_X A=abc B=5': B must have minimum of 6.0"],
    [() => command.number('B', 0, { max: 4 }), "Error on 'SET_X A=abc B=5': B must have maximum of 4.0"],
    [() => command.number('B', 0, { above: 5 }), "Error on 'SET_X A=abc B=5': B must be above 5.0"],
    [() => command.number('B', 0, { below: 5 }), "Error on 'SET_X A=abc B=5': B must be below 5.0"],
  ]
  for (const [read, message] of cases) assert.throws(read, { message })
})

test('the text after the name, as written', () => {
  assert.equal(new GcodeCommand('M117', 'M117 Hello World').rawParams, 'Hello World')
  assert.equal(new GcodeCommand('M117', 'N3 M117 Hi*12').rawParams, 'Hi')
  assert.equal(new GcodeCommand('M117', 'M117').rawParams, '')
})

test('the words of a move are read exactly', () => {
  const words = new MoveWords()
  const numbers = ['0.1', '-12.345', '.5', '1234567.891', '0.00001', '+3', '7.', '123456789012345678']
  for (const text of numbers) {
    words.read(`G1 X${text} F1`)
    assert.equal(words.values[0], Number(text), text)
  }
  words.read('N7 G0 x1 y2 z3 e4 f5 s9 *33')
  assert.deepEqual([...words.values], [1, 2, 3, 4, 5])
  words.read('G1 E1 ; X5 is a comment')
  assert.deepEqual([...words.values], [Number.NaN, Number.NaN, Number.NaN, 1, Number.NaN])
  for (const line of ['G1 X-foo', 'G1 X1.2.3', 'G1 X1 2', 'G1 X1(a)'])
    assert.equal(words.read(line), false, line)
  for (const line of ['G1 X1 ', 'G1 X1\r', 'G1 X1;2', 'G1 X1Y2', 'N1 G1 X1*22', 'G1 S1.2.3'])
    assert.equal(words.read(line), true, line)
  // Several letters are the name of a parameter that a move does not have.
  assert.equal(words.read('G1 Xfoo 5 Y2 _Z 3'), true)
  assert.deepEqual([...words.values].slice(0, 3), [Number.NaN, 2, Number.NaN])
})
