// printer.cfg: includes, merging, the SAVE_CONFIG block, typed settings and errors.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Config } from '../../../src/virtual-printer/config/config.ts'
import { ConfigError } from '../../../src/virtual-printer/errors.ts'

function folder(files: Record<string, string>): {
  path: string
  config: () => Config
  [Symbol.dispose](): void
} {
  const path = mkdtempSync(join(tmpdir(), 'printer-cfg-'))
  mkdirSync(join(path, 'macros'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return {
    path,
    config: () => Config.read(join(path, 'printer.cfg')),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

test('includes with wildcards, in order; later values win', () => {
  using files = folder({
    'printer.cfg': '[a]\nx: 1\n[include macros/*.cfg]\n[b]\ny: 2\n[a]\nz: 3\n',
    'macros/2.cfg': '[b]\ny: 1\nw: 5\n',
    'macros/1.cfg': '[gcode_macro M]\ngcode:\n  {% if 1 %}\n  G28 # home\n  {% endif %}\n',
  })
  const { config } = files.config().status() as { config: unknown }
  assert.deepEqual(config, {
    a: { x: '1', z: '3' },
    'gcode_macro M': { gcode: '\n{% if 1 %}\nG28\n{% endif %}' },
    b: { y: '2', w: '5' },
  })
})

test('missing files, and files that include themselves, are errors', () => {
  using files = folder({
    'printer.cfg': '[include other.cfg]\n',
    'loop.cfg': '[include loop.cfg]\n',
    'open.cfg': '[include macros/*.cfg]\n',
  })
  assert.throws(() => files.config(), /Include file '.*other.cfg' does not exist/)
  assert.throws(() => Config.read(join(files.path, 'loop.cfg')), /Recursive include of config file/)
  assert.deepEqual(Config.read(join(files.path, 'open.cfg')).names, [])
  assert.throws(() => Config.read(join(files.path, 'none.cfg')), /Unable to open config file/)
})

test('typed reading records settings, with the errors of Klipper', () => {
  using files = folder({
    'printer.cfg': '[a B]\nn: 5\nlist: 1, 2\nflag: yes\nbad: x\nrest: 1.5\nword: hello\n',
  })
  const config = files.config()
  const section = config.section('a B')
  assert.equal(section.number('n', 1), 5)
  assert.equal(section.number('absent', 7), 7)
  assert.deepEqual(section.numbers('list', undefined, 2), [1, 2])
  assert.equal(section.boolean('flag'), true)
  const cases: [() => unknown, string][] = [
    [() => section.number('none'), "Option 'none' in section 'a B' must be specified"],
    [() => section.number('bad'), "Unable to parse option 'bad' in section 'a B'"],
    [() => section.number('n', 0, { min: 6 }), "Option 'n' in section 'a B' must have minimum of 6"],
    [() => section.number('n', 0, { above: 5 }), "Option 'n' in section 'a B' must be above 5"],
    [
      () => section.choice('bad', ['y']),
      "Choice 'x' for option 'bad' in section 'a B' is not a valid choice",
    ],
  ]
  for (const [read, message] of cases) assert.throws(read, new ConfigError(message))
  config.noteUnread()
  assert.deepEqual((config.status().settings as Record<string, unknown>)['a b'], {
    n: 5,
    absent: 7,
    list: [1, 2],
    flag: true,
    bad: 'x',
    rest: 1.5,
    word: 'hello',
  })
})

test('what SAVE_CONFIG writes is read back, again and again', () => {
  using files = folder({
    'printer.cfg': '[probe]\npin: x\nz_offset: 1.0 # old\n\n[printer]\nkinematics: none\n',
  })
  for (const offset of ['1.250', '1.500']) {
    const config = files.config()
    config.set('probe', 'z_offset', offset)
    config.set('bed_mesh default', 'points', '\n0.1, 0.2\n0.3, 0.4')
    config.save()
  }
  const text = readFileSync(join(files.path, 'printer.cfg'), 'utf8')
  assert.equal(text.match(/SAVE_CONFIG/g)!.length, 1)
  assert.match(text, /^#z_offset: 1.0 # old$/m)
  const again = files.config()
  assert.equal(again.section('probe').number('z_offset'), 1.5)
  assert.deepEqual(again.section('bed_mesh default').table('points'), [
    [0.1, 0.2],
    [0.3, 0.4],
  ])
  again.remove('bed_mesh default')
  again.save()
  assert.ok(!files.config().has('bed_mesh default'))
})

test('SAVE_CONFIG cannot replace a value of an included file', () => {
  using files = folder({ 'printer.cfg': '[include probe.cfg]\n', 'probe.cfg': '[probe]\nz_offset: 1\n' })
  const config = files.config()
  config.set('probe', 'z_offset', '2')
  assert.throws(() => config.save(), {
    message: "SAVE_CONFIG section 'probe' option 'z_offset' conflicts with included value",
  })
})
