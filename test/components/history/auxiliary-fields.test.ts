import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuxiliaryFields } from '../../../src/components/history/auxiliary-fields.ts'
import type { AuxiliarySource } from '../../../src/components/history/service.ts'

const energy = (value: () => unknown, more: Partial<AuxiliarySource> = {}): AuxiliarySource => ({
  provider: 'sensor plug',
  name: 'energy',
  description: 'Energy used',
  units: 'kWh',
  value,
  reset: () => {},
  ...more,
})

test('values are unchanged, or rounded if declared', () => {
  const fields = new AuxiliaryFields()
  fields.add(energy(() => 1.23456, { precision: 2 }))
  fields.add({ ...energy(() => [3]), provider: 'spoolman', name: 'spool_ids', units: null })
  assert.deepEqual(fields.values(), [
    { provider: 'sensor plug', name: 'energy', value: 1.23, description: 'Energy used', units: 'kWh' },
    { provider: 'spoolman', name: 'spool_ids', value: [3], description: 'Energy used', units: null },
  ])
})

test('totals are sums and maxima of numbers only', () => {
  const fields = new AuxiliaryFields()
  let used: unknown = 2
  fields.add(energy(() => used, { total: true, maximum: true, precision: 1 }))
  fields.add(energy(() => 5, { name: 'untold' }))
  assert.deepEqual(fields.zeroTotals(), [{ provider: 'sensor plug', field: 'energy', maximum: 0, total: 0 }])
  let totals = fields.addTo([])
  used = 1.55
  totals = fields.addTo(totals)
  used = 'broken'
  totals = fields.addTo(totals)
  assert.deepEqual(totals, [{ provider: 'sensor plug', field: 'energy', maximum: 2, total: 3.5 }])
})

test('a name can be used once, and again after its source is removed', () => {
  const fields = new AuxiliaryFields()
  const registration = fields.add(energy(() => 1))
  assert.throws(() => fields.add(energy(() => 2)), /already registered/)
  assert.throws(() => fields.add(energy(() => 2, { provider: 'history' })), /reserved/)
  registration.remove()
  fields.add(energy(() => 2))
  assert.equal(fields.values().length, 1)
})

test('a new job starts with reset sources', () => {
  const fields = new AuxiliaryFields()
  let resets = 0
  fields.add(
    energy(() => 1, {
      reset: () => {
        resets += 1
      },
    }),
  )
  fields.reset()
  assert.equal(resets, 1)
})
