// The secrets file in both formats, and that nothing shows its values.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { readSecrets } from '../../src/config/index.ts'
import { Folder } from './folder.ts'

test('an ini file becomes sections of texts, inline comment signs included', () => {
  using folder = new Folder({
    'moonraker.secrets':
      '; mine\n[DEFAULT]\nuser: me\n[mqtt_credentials]\nUsername: eric\npassword: a #b ;c\n',
  })
  const { secrets, warnings } = readSecrets(folder.at('moonraker.secrets'))
  assert.deepEqual(secrets.values, {
    mqtt_credentials: { user: 'me', username: 'eric', password: 'a #b ;c' },
  })
  assert.deepEqual(warnings, [])
})

test('a JSON file is read with its types', () => {
  using folder = new Folder({ 'moonraker.secrets': '{"a": {"b": 1, "c": ["d"]}}' })
  assert.deepEqual(readSecrets(folder.at('moonraker.secrets')).secrets.values, { a: { b: 1, c: ['d'] } })
})

test('no file means no secrets', () => {
  using folder = new Folder()
  const { secrets, warnings } = readSecrets(folder.at('moonraker.secrets'))
  assert.deepEqual(secrets.values, {})
  assert.deepEqual(warnings, [])
})

test('printed and serialized secrets show no values', () => {
  using folder = new Folder({ 'moonraker.secrets': '[a]\nb: hunter2\n' })
  const { secrets } = readSecrets(folder.at('moonraker.secrets'))
  const shown = [
    inspect(secrets, { depth: 9, showHidden: true }),
    JSON.stringify(secrets),
    format('%s', secrets),
  ]
  assert.ok(!shown.join().includes('hunter2'), shown.join())
})

const BROKEN: [what: string, content: string | Buffer, warning: RegExp][] = [
  ['an ini line', '[a]\nhunter2\n', /line 2 is neither/],
  ['an option without a section', 'hunter2: hunter2\n', /line 1 is neither/],
  ['JSON', '{"a": "hunter2"', /starts like JSON but is not valid/],
  ['a JSON list', '["hunter2"]', /must contain a JSON object/],
  ['a JSON text', '"hunter2"', /must contain a JSON object/],
  ['a zero byte', '[a]\nhunter2: \0', /line 2 is neither/],
  ['a size', Buffer.alloc(10 * 1024 * 1024, 'hunter2'), /larger than 1048576 bytes/],
]

for (const [what, content, warning] of BROKEN) {
  test(`broken by ${what}: a warning without content, and no secrets`, () => {
    using folder = new Folder({ 'moonraker.secrets': content })
    const { secrets, warnings } = readSecrets(folder.at('moonraker.secrets'))
    assert.deepEqual(secrets.values, {})
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, warning)
    assert.ok(warnings[0]!.includes(folder.at('moonraker.secrets')))
    assert.ok(!warnings[0]!.includes('hunter2'))
  })
}

test('a folder or a link to itself instead of the file is a warning', () => {
  using folder = new Folder({ 'moonraker.secrets/x': '' })
  folder.link('circle', 'circle')
  assert.match(readSecrets(folder.at('moonraker.secrets')).warnings.join(), /is not a file/)
  assert.match(readSecrets(folder.at('circle')).warnings.join(), /cannot be read \(ELOOP\)/)
})
