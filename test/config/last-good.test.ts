// A configuration that cannot be read is replaced by the last one that worked.
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/index.ts'
import { lastGoodPath, loadSources, readLastGood, saveLastGood } from '../../src/config/last-good.ts'
import { originalView, readSources } from '../../src/config/sources.ts'
import { Folder } from './folder.ts'

const GOOD =
  '[server]\nport: 7125\nempty:\n[include extras.conf]\n[x]\ntemplate:\n  {% if a %}\n    \\#{a} \\; b\n  {% endif %}\nhash: \\# \\; a#b\nslash:\\#\n'
const EXTRAS = '[DEFAULT]\nd: 1\n[mqtt]\nusername: {secrets.a.b}\n[sensor Düse]\nlist:\n  [one]\n  two: 2\n'

test('the copy contains all files in one, and reads the same', () => {
  using folder = new Folder({ 'moonraker.conf': GOOD, 'extras.conf': EXTRAS })
  const sources = readSources(folder.at('moonraker.conf'))
  saveLastGood(sources)
  assert.equal(lastGoodPath(folder.at('moonraker.conf')), folder.at('.moonraker.conf.bkp'))
  const copy = readLastGood(folder.at('moonraker.conf'))
  assert.deepEqual(originalView(copy!), originalView(sources))
  assert.deepEqual(Object.keys(originalView(copy!)), Object.keys(originalView(sources)))
  assert.equal(copy!.sections.get('x')?.options.get('template')?.value, '\n{% if a %}\n#{a} ; b\n{% endif %}')
})

test('only the owner can read the copy, and no other file remains', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n' })
  saveLastGood(readSources(folder.at('moonraker.conf')))
  assert.equal(statSync(folder.at('.moonraker.conf.bkp')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['.moonraker.conf.bkp', 'moonraker.conf'])
})

test('the copy is written only if something changed', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\nport: 1\n' })
  const inode = () => statSync(folder.at('.moonraker.conf.bkp')).ino
  saveLastGood(readSources(folder.at('moonraker.conf')))
  const first = inode()
  folder.write('moonraker.conf', '# a comment\n[server]\nport: 1\n')
  saveLastGood(readSources(folder.at('moonraker.conf')))
  assert.equal(inode(), first)
  folder.write('moonraker.conf', '[server]\nport: 2\n')
  saveLastGood(readSources(folder.at('moonraker.conf')))
  assert.match(folder.read('.moonraker.conf.bkp'), /port = 2/)
})

test('a copy by the original is accepted', () => {
  using folder = new Folder({ '.moonraker.conf.bkp': '[server]\nhost = a\nlist = \n\tone\n\ttwo\n\n' })
  const copy = readLastGood(folder.at('moonraker.conf'))
  assert.deepEqual(originalView(copy!), { DEFAULT: {}, server: { host: 'a', list: '\none\ntwo' } })
})

const BROKEN: [what: string, text: string, reason: RegExp][] = [
  [
    'an option twice',
    '[server]\nport: 1\nport: 2\n',
    /moonraker\.conf, line 3: the option "port" of section \[server\]/,
  ],
  ['nothing', '', /moonraker\.conf: the section \[server\] is missing/],
  [
    'a missing include',
    '[server]\n[include gone.conf]\n',
    /line 2: \[include gone\.conf\]: gone\.conf does not exist/,
  ],
  ['no text', '[server]\n\0', /zero byte/],
]

for (const [what, text, reason] of BROKEN) {
  test(`a start with ${what} falls back to the last good copy`, () => {
    using folder = new Folder({ 'moonraker.conf': '[server]\nport: 7000\n' })
    const good = loadSources(folder.at('moonraker.conf'))
    assert.equal(good.fallback, undefined)
    saveLastGood(good.sources)

    folder.write('moonraker.conf', text)
    const { sources, fallback } = loadSources(folder.at('moonraker.conf'))
    assert.equal(originalView(sources).server?.port, '7000')
    assert.match(fallback ?? '', reason)
    assert.match(fallback ?? '', /\(\.moonraker\.conf\.bkp\); correct the file and restart/)

    const copy = folder.read('.moonraker.conf.bkp')
    saveLastGood(sources)
    assert.equal(folder.read('.moonraker.conf.bkp'), copy)
    assert.deepEqual(readdirSync(folder.path).length, 2)
  })
}

test('without a good copy the error of the configuration itself is thrown', () => {
  using folder = new Folder({ 'moonraker.conf': '[server\n', '.moonraker.conf.bkp': 'broken too' })
  const expected = { name: 'ConfigError', message: /^moonraker\.conf, line 1: .*no closing bracket/ }
  assert.throws(() => loadSources(folder.at('moonraker.conf')), expected)
  assert.equal(readLastGood(folder.at('moonraker.conf')), undefined)
  assert.equal(readLastGood(folder.at('other.conf')), undefined)
})

test('a failed write leaves the old copy and no staging file', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n', '.moonraker.conf.bkp/keep': '' })
  assert.throws(() => saveLastGood(readSources(folder.at('moonraker.conf'))), /EISDIR/)
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['.moonraker.conf.bkp', 'moonraker.conf'])
})

test('errors of a configuration are ConfigErrors', () => {
  using folder = new Folder()
  assert.throws(() => loadSources(folder.at('moonraker.conf')), ConfigError)
})
