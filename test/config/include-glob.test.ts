// Wildcards of includes: which names they match and in which order files come.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { expandGlob, isGlob, matches } from '../../src/config/include-glob.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'glob-'))
after(() => rmSync(folder, { recursive: true }))

for (const file of ['b.conf', 'a.conf', '.hidden.conf', 'note.txt', 'd/z.conf', 'd/e/y.conf', 'd-x/w.conf']) {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), '')
}
mkdirSync(path.join(folder, 'folder.conf'))
symlinkSync('..', path.join(folder, 'd', 'loop'))
symlinkSync('nowhere', path.join(folder, 'broken.conf'))
symlinkSync('note.txt', path.join(folder, 'link.conf'))

function expand(pattern: string, from = folder): string[] {
  return expandGlob(pattern, from).map(file => path.relative(folder, file))
}

test('a star matches files only, hidden and linked ones too, in sorted order', () => {
  assert.deepEqual(expand('*.conf'), ['.hidden.conf', 'a.conf', 'b.conf', 'link.conf'])
})

test('wildcards in folders sort by folder before name', () => {
  assert.deepEqual(expand('d*/*.conf'), ['d/z.conf', 'd-x/w.conf'])
})

test('two stars match folders but not links', () => {
  assert.deepEqual(expand('d/**/*.conf'), ['d/e/y.conf', 'd/z.conf'])
})

test('absolute patterns, parents and doubled slashes', () => {
  assert.deepEqual(expand(`${folder}/[ab].conf`, '/'), ['a.conf', 'b.conf'])
  assert.deepEqual(expand('..//?.conf', path.join(folder, 'd')), ['a.conf', 'b.conf'])
  assert.deepEqual(expand('missing/*.conf'), [])
})

const MATCHES: [name: string, pattern: string, fits: boolean][] = [
  ['abc', 'abc', true],
  ['abc', 'ab', false],
  ['abc', '*', true],
  ['', '*', true],
  ['', '?', false],
  ['abc', '**c', true],
  ['a.conf', '*.conf', true],
  ['a.confx', '*.conf', false],
  ['aXbXc', 'a*b*c', true],
  ['aXcXb', 'a*b*c', false],
  ['b', '[a-c]', true],
  ['d', '[a-c]', false],
  ['d', '[!a-c]', true],
  [']', '[]]', true],
  ['-', '[a-]', true],
  ['[a', '[a', true],
  ['x', '[', false],
  ['ä', '?', true],
  ['😀', '?', true],
]

for (const [name, pattern, fits] of MATCHES) {
  test(`"${name}" ${fits ? 'fits' : 'does not fit'} ${pattern}`, () =>
    assert.equal(matches(name, pattern), fits))
}

test('many stars do not need many steps', () => {
  assert.equal(matches('a'.repeat(255), `${'*a'.repeat(120)}*b`), false)
})

test('only wildcards make a pattern', () => {
  assert.deepEqual(['a.conf', 'a?', '*', '[a]'].map(isGlob), [false, true, true, true])
})
