import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOTAL_FIELDS } from '../../src/storage/index.ts'
import { DataFolder } from './data-folder.ts'

const total = (provider: string, field: string, value: number) => ({
  provider,
  field,
  maximum: null,
  total: value,
})

test('totals start at zero, are stored one by one and reset together', async () => {
  await using folder = new DataFolder()
  const { totals } = folder.open()
  assert.deepEqual(
    totals.list().map(({ provider, field, maximum, total }) => [provider, field, maximum ?? total]),
    TOTAL_FIELDS.toSorted().map(field => ['history', field, 0]),
  )
  await totals.put([
    total('history', 'total_jobs', 3),
    { provider: 'sensor s', field: 'w', maximum: 1.5, total: 2 },
  ])
  assert.equal(totals.list().find(({ field }) => field === 'total_jobs')?.total, 3)
  assert.deepEqual(totals.list().at(-1), { provider: 'sensor s', field: 'w', maximum: 1.5, total: 2 })
  await totals.reset([total('history', 'total_jobs', 0)])
  assert.deepEqual(totals.list(), [total('history', 'total_jobs', 0)])
})
