// The meter: what counts as used filament, and when it continues after an interruption.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FilamentMeter, readingOf } from '../../../src/components/spoolman/filament-meter.ts'

const status = (position: number, filename = '', total_duration = 0, extruder = 'extruder') => ({
  toolhead: { position: [0, 0, 0, position], extruder },
  print_stats: { filename, total_duration },
})

function meter() {
  const used: Record<string, number> = {}
  const measured = new FilamentMeter((extruder, length) => {
    used[extruder] = length + (used[extruder] ?? 0)
  })
  return { meter: measured, used }
}

test('filament that was pushed before the first status does not count', () => {
  const { meter: measured, used } = meter()
  measured.update({ toolhead: { position: [0, 0, 0, 3] } })
  measured.resume(status(5))
  measured.update({ toolhead: { position: [0, 0, 0, 7] } })
  measured.update({ toolhead: { position: [0, 0, 0, Number.NaN] } })
  measured.update({ toolhead: { position: null } })
  assert.deepEqual(used, { extruder: 2 })
})

test('an extruder that becomes active again continues at its own position', () => {
  const { meter: measured, used } = meter()
  measured.resume(status(5))
  measured.update({ toolhead: { extruder: 'extruder1', position: [0, 0, 0, 0] } })
  measured.update({ toolhead: { position: [0, 0, 0, 2] } })
  measured.update({ toolhead: { extruder: 'extruder', position: [0, 0, 0, 6] } })
  measured.update({ toolhead: { extruder: 'extruder1', position: [0, 0, 0, 3] } })
  assert.deepEqual(used, { extruder: 1, extruder1: 3 })
})

test('an extruder without a position of its own starts at the present one', () => {
  const { meter: measured, used } = meter()
  measured.resume(status(5))
  measured.update({ toolhead: { extruder: 'extruder1' } })
  measured.update({ toolhead: { position: [0, 0, 0, 6] } })
  assert.deepEqual(used, { extruder1: 1 })
})

for (const { title, after, counted } of [
  { title: 'the same print', after: status(9, 'a.gcode', 20), counted: { extruder: 4 } },
  { title: 'another print', after: status(9, 'b.gcode', 20), counted: {} },
  { title: 'the same file from its start', after: status(9, 'a.gcode', 2), counted: {} },
  { title: 'a restarted Klippy', after: status(9), counted: {} },
]) {
  test(`after an interruption, ${title}`, () => {
    const before = meter()
    before.meter.resume(status(5, 'a.gcode', 10))
    const { meter: measured, used } = meter()
    const reading = readingOf(JSON.parse(JSON.stringify(before.meter.reading())))
    assert.ok(reading)
    measured.restore(reading)
    measured.resume(after)
    assert.deepEqual(used, counted)
  })
}

test('a stored value of another kind is no reading', () => {
  for (const value of [null, 3, {}, { positions: [] }, { positions: {}, filename: 1, duration: 2 }]) {
    assert.equal(readingOf(value), null)
  }
})
