// The table of improvements names only what was recorded.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { loadRecording } from './fixture.ts'
import { improvements } from './improvements.ts'

test('every improvement belongs to a recorded exchange', () => {
  const files = readdirSync(new URL('../fixtures/recordings/', import.meta.url))
  const recorded = files
    .map(file => file.replace('.json', ''))
    .flatMap(recording => loadRecording(recording).map(({ name }) => `${recording}/${name}`))
  assert.equal(new Set(recorded).size, recorded.length)
  assert.deepEqual(
    Object.keys(improvements).filter(key => !recorded.includes(key)),
    [],
  )
})
