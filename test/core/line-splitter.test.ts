import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineSplitter } from '../../src/core/line-splitter.ts'

/** The lines of chunks. */
function linesOf(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = []
  const splitter = new LineSplitter(line => lines.push(line))
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  splitter.end()
  return lines
}

test('lines and characters may be divided between chunks', () => {
  const degree = Buffer.from('°')
  assert.deepEqual(linesOf('21', '.5 ', degree.subarray(0, 1), degree.subarray(1), 'C\r', '\nnext'), [
    '21.5 °C',
    'next',
  ])
})

test('a line without end arrives in parts, and is not kept', () => {
  const lines = linesOf(...Array.from({ length: 10 }, () => 'x'.repeat(10_000)), '\nshort\n')
  assert.equal(lines.pop(), 'short')
  assert.ok(lines.every(line => line.length <= 16 * 1024))
  assert.equal(lines.join('').length, 100_000)
})
