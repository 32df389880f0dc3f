import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Warnings } from '../../src/core/warnings.ts'

test('warnings are kept in order, each once, until they are removed', () => {
  const received: string[] = []
  const warnings = new Warnings(text => received.push(text))
  const first = warnings.add('one')
  warnings.add('two')
  warnings.add('one')
  assert.deepEqual(warnings.list(), ['one', 'two'])
  first.remove()
  assert.deepEqual(warnings.list(), ['two'])
  warnings.add('one')
  assert.deepEqual(received, ['one', 'two', 'one'])
})

test('a warning replaces the one with the same id', () => {
  const received: string[] = []
  const warnings = new Warnings(text => received.push(text))
  warnings.add('disk at 90 %', 'disk')
  warnings.add('disk at 90 %', 'disk')
  const last = warnings.add('disk at 95 %', 'disk')
  assert.deepEqual(warnings.list(), ['disk at 95 %'])
  assert.deepEqual(received, ['disk at 90 %', 'disk at 95 %'])
  last.remove()
  assert.deepEqual(warnings.list(), [])
})
