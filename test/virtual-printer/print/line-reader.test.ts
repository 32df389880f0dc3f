// Lines of a file with their byte positions, across the borders of pieces.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LineReader } from '../../../src/virtual-printer/print/line-reader.ts'

function readAll(text: string): { lines: string[]; positions: number[] } {
  const folder = mkdtempSync(join(tmpdir(), 'lines-'))
  const path = join(folder, 'a')
  writeFileSync(path, text)
  const reader = new LineReader(path)
  const lines: string[] = []
  const positions: number[] = []
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    lines.push(line)
    positions.push(reader.position)
  }
  reader.close()
  rmSync(folder, { recursive: true })
  return { lines, positions }
}

test('line ends of all kinds, and a last line without one', () => {
  assert.deepEqual(readAll('a\r\nbü\n\nc'), { lines: ['a', 'bü', '', 'c'], positions: [3, 7, 8, 9] })
  assert.deepEqual(readAll(''), { lines: [], positions: [] })
})

test('lines longer than a piece, and many of them', () => {
  const long = 'x'.repeat(200_000)
  const many = Array.from({ length: 20_000 }, (_, n) => `G1 X${n}`)
  const text = `${long}\n${many.join('\n')}\n`
  const { lines, positions } = readAll(text)
  assert.deepEqual(lines, [long, ...many])
  assert.equal(positions.at(-1), text.length)
})
