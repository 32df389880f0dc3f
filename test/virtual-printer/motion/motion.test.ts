// Motion of the machine: homing, limits of kinematics, arcs, live positions.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MACHINE, startPrinter } from '../printer-rig.ts'

describe('the machine', { concurrency: true }, () => {
  test('G28 homes, reports the homed axes, and ends at the end stops', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.script('G28 X')
    assert.equal((await client.query('toolhead')).homed_axes, 'x')
    await client.script('G28')
    const toolhead = await client.query('toolhead')
    assert.equal(toolhead.homed_axes, 'xyz')
    assert.deepEqual(toolhead.position, [0, 0, 0, 0])
    assert.deepEqual(await client.call('query_endstops/status'), {
      stepper_x: 'TRIGGERED',
      stepper_y: 'TRIGGERED',
      stepper_z: 'TRIGGERED',
    })
    const { steppers } = (await client.query('stepper_enable')) as { steppers: Record<string, boolean> }
    assert.deepEqual(steppers, { stepper_x: true, stepper_y: true, stepper_z: true, extruder: false })
    await client.script('M84')
    assert.equal((await client.query('toolhead')).homed_axes, '')
  })

  test('safe_z_home moves to its position', async () => {
    await using rig = await startPrinter({
      config: `${MACHINE}[safe_z_home]\nhome_xy_position: 117,118\nspeed: 150\nz_hop: 5\n`,
    })
    const client = await rig.connect()
    await client.script('G28')
    assert.deepEqual((await client.query('toolhead')).position, [117, 118, 5, 0])
  })

  test('a delta homes to its top and knows its radius', async () => {
    const tower = (letter: string) =>
      `[stepper_${letter}]\nstep_pin: a\ndir_pin: b\nrotation_distance: 40\nendstop_pin: c\nposition_endstop: 300\narm_length: 250\n`
    const config = MACHINE.replace(/\[stepper_\w\][^[]*/g, '')
      .replace('kinematics: cartesian', 'kinematics: delta\ndelta_radius: 120')
      .concat(tower('a'), tower('b'), tower('c'))
    await using rig = await startPrinter({ config })
    const client = await rig.connect()
    await assert.rejects(client.script('G1 X5'), /^Error: Must home first: 5.000 0.000 0.000/)
    await client.script('G28\nG1 Z100 F6000\nG1 X80 Y80')
    assert.deepEqual((await client.query('toolhead')).position, [80, 80, 100, 0])
    await assert.rejects(client.script('G1 X100 Y100'), {
      message: 'Move out of range: 100.000 100.000 100.000 [0.000]',
    })
    const timeOf = async (move: string) => {
      await client.script('G1 X0 Y0 F60000\nM400')
      const before = (await client.query('toolhead')).print_time as number
      await client.script(`${`${move}\nG1 X0\n`.repeat(100)}M400`)
      return ((await client.query('toolhead')).print_time as number) - before
    }
    const near = await timeOf('G1 X117')
    assert.ok((await timeOf('G1 X118')) > near * 1.3, 'moves are slow far from the centre')
  })

  test('Z is slow, and slows a slanted move', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.script('SET_KINEMATIC_POSITION X=0 Y=0 Z=0\nM400')
    const before = (await client.query('toolhead')).print_time as number
    await client.script('G1 Z100 F18000\nM400')
    const after = (await client.query('toolhead')).print_time as number
    const took = 100 / 25 + 25 / 300
    assert.ok(after - before > took, `${after - before}`)
  })

  test('arcs follow the circle', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.script('SET_KINEMATIC_POSITION X=60 Y=50 Z=5\nG3 X60 Y50 I-10 J0 F600\nM400')
    const { print_time } = await client.query('toolhead')
    // A full circle of 10 mm radius at 10 mm/s.
    assert.ok((print_time as number) > 2 * Math.PI - 0.2)
    await client.script('G2 X50 Y40 I-10 J0')
    assert.deepEqual((await client.query('gcode_move')).gcode_position, [50, 40, 5, 0])
    await assert.rejects(client.script('G2 X5 R5'), { message: 'G2/G3 does not support R moves' })
  })

  test('the live position follows the plan', async () => {
    await using rig = await startPrinter({ speed: 20 })
    const client = await rig.connect()
    await client.script('SET_KINEMATIC_POSITION X=0 Y=0 Z=5\nG1 X200 F1200')
    await client.subscribe({ motion_report: ['live_position', 'live_velocity'] })
    await client.until(() => client.pushed('motion_report', 'live_velocity').at(-1) === 0)
    const places = (client.pushed('motion_report', 'live_position') as number[][]).map(place => place[0]!)
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
    assert.ok(places.some(x => x > 0 && x < 200))
    assert.equal(places.at(-1), 200)
  })

  test('commands run little more than a second ahead of the motion', async () => {
    const pieces = Array.from({ length: 2300 }, (_, n) => `G1 X${n / 10} F1200`)
    await using rig = await startPrinter({
      speed: 20,
      files: { 'line.gcode': ['SET_KINEMATIC_POSITION X=0 Y=0 Z=5', ...pieces].join('\n') },
    })
    const client = await rig.connect()
    await client.subscribe({ toolhead: ['position'], motion_report: ['live_position'] })
    await client.script('SDCARD_PRINT_FILE FILENAME=line.gcode')
    let [position, live, most] = [0, 0, 0]
    const ahead = () => {
      for (const { params } of client.messages.splice(0)) {
        const { status } = params as { status: Record<string, Record<string, number[]>> }
        position = status.toolhead?.position?.[0] ?? position
        live = status.motion_report?.live_position?.[0] ?? live
        most = Math.max(most, (position - live) / 20)
      }
      return live > 200
    }
    await client.until(ahead)
    // Klipper plans up to 1 s of motion, and looks ahead over some tenths more.
    assert.ok(most > 1 && most < 1.4, `${most} s`)
  })

  test('an extruder rejects thick lines, but not a small blob, and long moves of filament', async () => {
    const config = MACHINE.replace('max_extrude_cross_section: 50', 'min_extrude_temp: 0')
    await using rig = await startPrinter({ config })
    const client = await rig.connect()
    await client.script('SET_KINEMATIC_POSITION X=0 Y=0 Z=5\nM83\nG1 X0.01 E0.1')
    await assert.rejects(client.script('G1 X1 E1'), /^Error: Move exceeds maximum extrusion \(2\.4/)
    await assert.rejects(client.script('G1 E-201'), /^Error: Extrude only move too long \(-201\.000mm vs 200/)
  })
})
