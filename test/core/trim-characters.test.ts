import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trimBothOf, trimEndOf } from '../../src/core/trim-characters.ts'

test('characters are trimmed at the end, or at both ends', () => {
  assert.equal(trimEndOf('1.500', '0'), '1.5')
  assert.equal(trimEndOf('\r\nline\r\n\n', '\r\n'), '\r\nline')
  assert.equal(trimBothOf('//a/b/', '/'), 'a/b')
  assert.equal(trimBothOf('___', '_'), '')
  assert.equal(trimBothOf('', '/'), '')
})
