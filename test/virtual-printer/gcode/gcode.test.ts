// Scripts and their responses, as clients and consoles see them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MACHINE, startPrinter } from '../printer-rig.ts'

const EXTRAS = `
[output_pin light]
pin: x
pwm: True
[led strip]
red_pin: x
[fan]
pin: x
[fan_generic aux]
pin: x
[heater_fan hotend]
pin: x
[firmware_retraction]
retract_length: 0.8
[save_variables]
filename: {folder}/variables.cfg
`

async function responses(script: string): Promise<string[]> {
  await using rig = await startPrinter({ config: MACHINE + EXTRAS })
  const client = await rig.connect()
  await client.subscribeOutput()
  await client.script(script)
  return client.output
}

describe('G-code', { concurrency: true }, () => {
  test('responses of commands that report', async () => {
    assert.deepEqual(await responses('STATUS'), ['// Klipper state: Ready'])
    assert.match((await responses('M115'))[0]!, /^\/\/ FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0\.13\.0/)
    assert.match((await responses('M105'))[0]!, /^B:\d+\.\d \/0\.0 T0:\d+\.\d \/0\.0$/)
    assert.deepEqual(await responses('M114'), ['X:0.000 Y:0.000 Z:0.000 E:0.000'])
    assert.deepEqual(await responses('M119'), ['stepper_x:open stepper_y:open stepper_z:open'])
    assert.deepEqual(await responses('RESPOND PREFIX=tgt: MSG="a b"\nRESPOND TYPE=error MSG=e\nM118 x'), [
      'tgt: a b',
      '!! e',
      'echo: x',
    ])
    assert.match((await responses('HELP'))[0]!, /^\/\/ Available extended commands:\n/)
    assert.match((await responses('GET_POSITION'))[0]!, /\/\/ toolhead: X:0\.000000 Y:0\.000000/)
    assert.deepEqual(await responses('GET_RETRACTION'), [
      '// RETRACT_LENGTH=0.80000 RETRACT_SPEED=20.00000 UNRETRACT_EXTRA_LENGTH=0.00000 UNRETRACT_SPEED=10.00000',
    ])
  })

  test('switching off a missing heater or fan is not an error', async () => {
    await using rig = await startPrinter({
      config: MACHINE.replace(/\[heater_bed\][^[]*/, ''),
    })
    const client = await rig.connect()
    await client.subscribeOutput()
    await client.script('M140 S0\nM107\nM106 S0')
    assert.deepEqual(client.output, [])
    await client.script('M140 S50')
    assert.deepEqual(client.output, ['// Unknown command:"M140"'])
  })

  test('pins, lights and fans', async () => {
    await using rig = await startPrinter({ config: MACHINE + EXTRAS })
    const client = await rig.connect()
    await client.script('SET_PIN PIN=light VALUE=0.25\nSET_LED LED=strip RED=1 BLUE=0.5\nM106 S127.5')
    await client.script('SET_FAN_SPEED FAN=aux SPEED=0.7\nM104 S100')
    assert.deepEqual(await client.query('output_pin light'), { value: 0.25 })
    assert.deepEqual(await client.query('led strip'), { color_data: [[1, 0, 0.5, 0]] })
    assert.deepEqual(await client.query('fan'), { speed: 0.5, rpm: null })
    assert.deepEqual(await client.query('fan_generic aux'), { speed: 0.7, rpm: null })
    assert.deepEqual(await client.query('heater_fan hotend'), { speed: 1, rpm: null })
    await assert.rejects(client.script('SET_PIN PIN=light VALUE=2'), /VALUE must have maximum of 1\.0$/)
  })

  test('after a shutdown pins, fans, motors and homed axes show their last values', async () => {
    await using rig = await startPrinter({ config: MACHINE + EXTRAS })
    const client = await rig.connect()
    await client.script('G28 X\nSET_PIN PIN=light VALUE=0.25\nM106 S127.5')
    const names = ['output_pin light', 'fan', 'stepper_enable']
    const before = names.map(name => rig.printer.status(name))
    rig.printer.shutdown('test')
    assert.deepEqual(
      names.map(name => rig.printer.status(name)),
      before,
    )
    assert.equal((await client.query('toolhead')).homed_axes, 'x')
    const { commands } = await client.query('gcode')
    const usable =
      'ECHO FIRMWARE_RESTART GET_POSITION HELP M105 M110 M112 M114 M115 M118 RESPOND RESTART STATUS'
    assert.equal(
      Object.keys(commands as object)
        .sort()
        .join(' '),
      usable,
    )
    await client.subscribeOutput()
    await client.script('M118 still here')
    assert.deepEqual(client.output, ['echo: still here'])
  })

  test('the error about an unknown name suggests a similar one', async () => {
    await using rig = await startPrinter({ config: MACHINE + EXTRAS })
    const client = await rig.connect()
    await assert.rejects(client.script('SET_PIN PIN=igh VALUE=0'), {
      message: "The value 'igh' is not valid for PIN. Did you mean 'light'?",
    })
  })

  test('coordinates: relative, offsets, factors, saved states', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    const position = async () => (await client.query('gcode_move')).gcode_position
    await client.script('SET_KINEMATIC_POSITION X=10 Y=10 Z=10\nG91\nG1 X5 F6000\nG90\nG1 Y20')
    assert.deepEqual(await position(), [15, 20, 10, 0])
    await client.script('G92 X0 E7')
    assert.deepEqual(await position(), [0, 20, 10, 7])
    await client.script('SAVE_GCODE_STATE NAME=a\nG1 X20\nRESTORE_GCODE_STATE NAME=a MOVE=1')
    assert.deepEqual(await position(), [0, 20, 10, 7])
    await client.script('SET_GCODE_OFFSET Z=0.5 MOVE=1')
    const moved = await client.query('gcode_move')
    assert.deepEqual(moved.homing_origin, [0, 0, 0.5, 0])
    assert.deepEqual(moved.position, [15, 20, 10.5, 0])
    assert.deepEqual(moved.gcode_position, [0, 20, 10, 7])
    await assert.rejects(client.script('RESTORE_GCODE_STATE NAME=x'), { message: 'Unknown g-code state: x' })
    await assert.rejects(client.script('G1 X500'), {
      message: 'Move out of range: 515.000 20.000 10.500 [0.000]',
    })
    assert.deepEqual(await position(), [0, 20, 10, 7])
    await assert.rejects(client.script('G20'), /inches/)
  })

  test('velocity limits, M204, pressure advance', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.script('SET_VELOCITY_LIMIT VELOCITY=200 SQUARE_CORNER_VELOCITY=3\nM204 P1000 T500')
    const { max_velocity, max_accel, square_corner_velocity } = await client.query('toolhead')
    assert.deepEqual([max_velocity, max_accel, square_corner_velocity], [200, 500, 3])
    await client.script('SET_PRESSURE_ADVANCE ADVANCE=0.05')
    assert.equal((await client.query('extruder')).pressure_advance, 0.05)
  })

  test('variables survive a restart', async () => {
    await using rig = await startPrinter({ config: MACHINE + EXTRAS })
    const client = await rig.connect()
    await client.script(
      'SAVE_VARIABLE VARIABLE=list VALUE="[1, \'a\', None, True]"\nSAVE_VARIABLE VARIABLE=n VALUE=2.5',
    )
    await rig.printer.restart()
    await rig.printer.untilReady()
    const again = await rig.connect()
    assert.deepEqual(await again.query('save_variables'), {
      variables: { list: [1, 'a', null, true], n: 2.5 },
    })
  })

  test('scripts wait for each other', async () => {
    await using rig = await startPrinter({ speed: 50 })
    const client = await rig.connect()
    await client.subscribeOutput()
    const first = client.script('G4 P3000\nM118 one')
    await client.script('M118 two')
    await first
    assert.deepEqual(client.output, ['echo: one', 'echo: two'])
  })
})
