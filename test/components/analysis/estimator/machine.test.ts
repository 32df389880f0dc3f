// The machine from Klipper's settings: options of old versions, defaults, and settings that describe no machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMachine } from '../../../../src/components/analysis/estimator/machine.ts'

const PRINTER = { kinematics: 'corexy', max_velocity: 400, max_accel: 8000 }

test('options of older versions of Klipper', () => {
  const ratio = (printer: object) =>
    readMachine({ printer: { ...PRINTER, ...printer } })?.limits.minimumCruiseRatio
  assert.equal(ratio({ minimum_cruise_ratio: 0.3 }), 0.3)
  assert.equal(ratio({ max_accel_to_decel: 2000 }), 0.75)
  assert.equal(ratio({ max_accel_to_decel: 90_000 }), 0)
  assert.equal(ratio({}), 0.5)
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

test('settings without limits, or of wrong types, are no machine', () => {
  assert.equal(readMachine({}), undefined)
  assert.equal(readMachine({ printer: { max_velocity: 'fast', max_accel: null } }), undefined)
  assert.equal(readMachine({ printer: 5 }), undefined)
})
