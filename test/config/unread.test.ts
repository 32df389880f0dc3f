// Warnings about options and sections that no component reads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { int } from '../../src/schema/index.ts'
import { configuration, refused } from './configuration.ts'

test('an unread option or section is a warning in the form that Mainsail parses', () => {
  const config = configuration('[server]\nport: 1\nhots:\n  a\n  b\nempty:\n[include x.conf]\n', {
    'x.conf': "[machine unparsed]\nx: 1\n[server]\nodd: it's [x]: y\n",
  })
  config.read('server', { port: int() })
  const warnings = config.warnings()
  assert.deepEqual(
    warnings.map(warning => warning.split('.  ')[0]),
    [
      "Unparsed config option 'hots: a b' detected in section [server]",
      "Unparsed config option 'empty: ' detected in section [server]",
      "Unparsed config option 'odd: it's [x]: y' detected in section [server]",
      'Unparsed config section [machine unparsed] detected',
    ],
  )
  assert.match(warnings[0]!, /It is in moonraker\.conf, line 3,/)
  assert.match(warnings[3]!, /It is in x\.conf, line 1,/)
  const parts = /'(?<option>.+): (?<value>.+)'.+\[(?<section>.+)\]/.exec(warnings[0]!)?.groups
  assert.deepEqual({ ...parts }, { option: 'hots', value: 'a b', section: 'server' })
})

test('warnings contain no secrets, and shorten long values', () => {
  const config = configuration(
    `[mqtt]\npasswort: a\nmqtt_password: hunter2\nlong: ${'x'.repeat(5000)}\nurl: http://me:hunter2@cam/\n`,
  )
  config.read('mqtt', {})
  const warnings = config.warnings()
  assert.match(warnings[1]!, /'mqtt_password: …'/)
  assert.ok(warnings[2]!.length < 400)
  assert.ok(!warnings.join().includes('hunter2'))
})

test('a section whose reading failed has no further warnings', () => {
  const config = configuration('[server]\nport: x\nunknown: 1\n')
  refused(() => config.read('server', { port: int() }))
  assert.deepEqual(config.warnings(), [])
})
