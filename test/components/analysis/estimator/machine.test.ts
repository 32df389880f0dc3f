// The machine from Klipper's settings: options of old versions, defaults, and settings that describe no machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMachine } from '../../../../src/components/analysis/estimator/machine.ts'
import { examineText } from './examine-text.ts'

const PRINTER = { kinematics: 'corexy', max_velocity: 400, max_accel: 8000 }

test('options of older versions of Klipper', () => {
  const ratio = (printer: object) =>
    readMachine({ printer: { ...PRINTER, ...printer } })?.limits.minimumCruiseRatio
  assert.equal(ratio({ minimum_cruise_ratio: 0.3 }), 0.3)
  assert.equal(ratio({ max_accel_to_decel: 2000 }), 0.75)
  assert.equal(ratio({ max_accel_to_decel: 90_000 }), 0)
  assert.equal(ratio({}), 0.5)
})

test('max_accel_to_decel of older versions stays when the file changes the acceleration', async () => {
  const machine = (printer: object) => readMachine({ printer: { ...PRINTER, ...printer } })!
  const zigzag = Array.from({ length: 200 }, (_, n) => `G1 X${n % 2} Y${n} F12000\n`).join('')
  const timeOf = async (printer: object, commands: string) =>
    (await examineText(commands + zigzag, { machine: machine(printer) })).times.total
  const old = await timeOf({ max_accel_to_decel: 4000 }, 'M204 S3000\n')
  assert.equal(old, await timeOf({ minimum_cruise_ratio: 0 }, 'M204 S3000\n'))
  assert.ok(old < (await timeOf({ minimum_cruise_ratio: 0.5 }, 'M204 S3000\n')))
  const changed = await timeOf(
    { max_accel_to_decel: 4000 },
    'SET_VELOCITY_LIMIT ACCEL=3000 ACCEL_TO_DECEL=1500\n',
  )
  assert.equal(changed, await timeOf({ minimum_cruise_ratio: 0.5 }, 'M204 S3000\n'))
})

test('defaults are those of Klipper', () => {
  const machine = readMachine({ printer: PRINTER, extruder: {}, gcode_arcs: {}, firmware_retraction: {} })
  assert.deepEqual(machine?.z, { velocity: 400, accel: 8000 })
  assert.equal(machine?.arcResolution, 1)
  assert.deepEqual(machine?.retraction, { length: 0, speed: 20, extra: 0, backSpeed: 10 })
  const { nozzle, maxOnlyDistance, cornerVelocity } = machine!.extruders.extruder!.limits
  assert.deepEqual([nozzle, maxOnlyDistance, cornerVelocity], [0.4, 50, 1])
  assert.deepEqual([machine?.ranges, machine?.bedMaxTemp], [null, null])
})

test('the reach of a delta', () => {
  const settings = {
    printer: { ...PRINTER, kinematics: 'delta', delta_radius: 130, print_radius: 140 },
    stepper_a: { position_endstop: 300, arm_length: 260 },
    stepper_b: { arm_length: 255 },
    stepper_c: { arm_length: 270 },
  }
  const machine = readMachine(settings)
  // 12, 3 and 6 times as fast as the head: (ratio * 255) / sqrt(ratio² + 1) - 130.
  assert.equal(machine?.radius?.toFixed(3), '124.119')
  assert.deepEqual(
    [machine?.delta?.slow.toFixed(3), machine?.delta?.verySlow.toFixed(3)],
    ['111.914', '121.530'],
  )
  assert.deepEqual(machine?.homed, [0, 0, 300])
  const without = readMachine({
    ...settings,
    stepper_a: { position_endstop: 300 },
    stepper_b: {},
    stepper_c: {},
  })
  assert.deepEqual([without?.delta, without?.radius], [null, 140])
})

test('settings without limits, or of wrong types, are no machine', () => {
  assert.equal(readMachine({}), undefined)
  assert.equal(readMachine({ printer: { max_velocity: 'fast', max_accel: null } }), undefined)
  assert.equal(readMachine({ printer: 5 }), undefined)
})
