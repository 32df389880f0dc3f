// What the three INI dialects make of a text, and how they refuse what is not one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IniError, type IniRules, KLIPPER_INI, PLAIN_INI, parseIni } from '../../src/core/ini.ts'

function read(text: string, rules?: Partial<IniRules>): Record<string, Record<string, string>> {
  return Object.fromEntries(
    parseIni(text, 'test.conf', rules).map(({ name, options }) => [
      name,
      Object.fromEntries(options.map(option => [option.name, option.value])),
    ]),
  )
}

function failure(text: string, rules?: Partial<IniRules>): IniError {
  try {
    parseIni(text, 'test.conf', rules)
  } catch (error) {
    assert.ok(error instanceof IniError)
    return error
  }
  throw new assert.AssertionError({ message: `no error for ${JSON.stringify(text)}` })
}

test('the first delimiter of either kind ends the name', () => {
  assert.deepEqual(read('[server]\nhost: ::1\nPort = 7125\nurl=http://a:1/?b=c\nempty:\n'), {
    server: { host: '::1', port: '7125', url: 'http://a:1/?b=c', empty: '' },
  })
})

test('sections and options have their line numbers', () => {
  const sections = parseIni('# head\n[a]\n\nx: 1\ny:\n  2\n\n[b c]\n', 'test.conf')
  assert.deepEqual(sections, [
    {
      name: 'a',
      line: 2,
      options: [
        { name: 'x', line: 4, value: '1' },
        { name: 'y', line: 5, value: '\n2' },
      ],
    },
    { name: 'b c', line: 8, options: [] },
  ])
})

test('lines indented further than the option belong to its value', () => {
  const text = '[a]\nlist:\n  one\n    two\n\n  # a comment\n  three: 3\n  [four]\nnext: 1\n  indented: no\n'
  assert.deepEqual(read(text), { a: { list: '\none\ntwo\nthree: 3\n[four]', next: '1\nindented: no' } })
  assert.equal(read(text, { blankLinesInValues: true }).a?.list, '\none\ntwo\n\nthree: 3\n[four]')
})

test('options with the same indentation are separate', () => {
  assert.deepEqual(read('[a]\n  x: 1\n  y: 2\n z: 3\n    more\n'), { a: { x: '1', y: '2', z: '3\nmore' } })
})

test('inline comments need white space before them', () => {
  const text =
    '[a] # section\nx: 1 # comment\ny: a#b;c\nz: 1\t; comment\nlist: # comment\n  one # comment\n  #two\n'
  assert.deepEqual(read(text), { a: { x: '1', y: 'a#b;c', z: '1', list: '\none' } })
})

test('an escaped comment sign is part of the value', () => {
  assert.deepEqual(read('[a]\nx: a \\# b \\; c # d\ny:\n  \\#one\nz: a\\#b\n'), {
    a: { x: 'a # b ; c', y: '\n#one', z: 'a\\#b' },
  })
})

test('plain ini has no inline comments', () => {
  assert.deepEqual(read('; full line\n[mqtt]\nPassword = a #b \\# c\n', PLAIN_INI), {
    mqtt: { password: 'a #b \\# c' },
  })
})

test('in printer.cfg any hash starts a comment, sections merge, and blank lines stay', () => {
  const text =
    '[gcode_macro A]\ngcode:\n  G1#x\n\n  M117 a;b ; c\n  # note\n  M400\n[b]\nx: 1\n[b]\nX: 2\ny: 3\n'
  assert.deepEqual(read(text, KLIPPER_INI), {
    'gcode_macro A': { gcode: '\nG1\n\nM117 a;b\n\nM400' },
    b: { x: '2', y: '3' },
  })
})

test('option names keep their case without lowerCaseOptions', () => {
  assert.deepEqual(read('[a]\nAbC: 1\nabc: 2\n', { lowerCaseOptions: false }), { a: { AbC: '1', abc: '2' } })
})

test('DEFAULT and include are ordinary sections', () => {
  assert.deepEqual(read('[DEFAULT]\nx: 1\n[include conf.d/*.conf]\n'), {
    DEFAULT: { x: '1' },
    'include conf.d/*.conf': {},
  })
})

test('byte order mark, CRLF, CR, tabs, other alphabets', () => {
  assert.deepEqual(
    read('\uFEFF[sensor Düse №1]\r\nname:\tBrett\r\nlist:\r\n\tone\r\n\ttwo\rlast: 漢字\r\n'),
    {
      'sensor Düse №1': { name: 'Brett', list: '\none\ntwo', last: '漢字' },
    },
  )
})

test('a tab is four columns wide or one', () => {
  const text = '[a]\n  x: 1\n\ty: 2\n'
  assert.deepEqual(read(text), { a: { x: '1\ny: 2' } })
  assert.deepEqual(read(text, { expandTabs: false }), { a: { x: '1', y: '2' } })
})

test('section names end at the last bracket', () => {
  assert.deepEqual(read('[a [b] c] rest\n[ spaced ]\n'), { 'a [b] c': {}, ' spaced ': {} })
})

test('names of properties of Object are ordinary names', () => {
  const sections = parseIni('[__proto__]\nconstructor: 1\n__proto__: 2\n', 'test.conf')
  assert.deepEqual(sections[0]?.name, '__proto__')
  assert.deepEqual(
    sections[0]?.options.map(option => option.name),
    ['constructor', '__proto__'],
  )
})

test('empty texts have no sections', () => {
  for (const text of ['', '\n', '# only\n; comments', '\uFEFF']) assert.deepEqual(read(text), {})
})

const REJECTED: [what: string, text: string, line: number, section: string | undefined, message: RegExp][] = [
  ['a section twice', '[a]\n\n[a]\n', 3, 'a', /\[a\] is already in line 1/],
  ['an option twice', '[a]\nx: 1\ny: 2\nX= 3\n', 4, 'a', /"x" of section \[a\] is already in line 2/],
  ['an option before any section', '# x\nhost: 1\n', 2, undefined, /"host: 1" is before the first section/],
  ['an option without a value', '[a]\nx: 1\nhost\n', 3, 'a', /"host" in section \[a\].*write "name: value"/],
  ['an option without a name', '[a]\n: 1\n', 2, 'a', /has no name before the ":"/],
  ['an open bracket', '[a]\nx: 1\n[server\n', 3, undefined, /no closing bracket; write \[name\]/],
  ['an empty header', '[]\n', 1, undefined, /has no name; write \[name\]/],
  ['a zero byte', '[a]\nx: 1\0\n', 2, undefined, /zero byte.*not a text file/],
]

for (const [what, text, line, section, message] of REJECTED) {
  test(`rejected: ${what}`, () => {
    const error = failure(text)
    assert.match(error.message, message)
    assert.ok(error.message.startsWith(`test.conf, line ${line}: `), error.message)
    assert.deepEqual([error.file, error.line], ['test.conf', line])
    if (section !== undefined) assert.equal(error.section, section)
  })
}

test('rejected: a text over the limit, whatever it contains', () => {
  assert.match(failure('x'.repeat(10 * 1024 * 1024)).message, /longer than 1048576 characters/)
  assert.match(failure('[a]\nx: 1\n', { maxLength: 5 }).message, /longer than 5 characters/)
})

test('an error quotes only the start of a long line', () => {
  assert.ok(failure(`[a]\n${'x'.repeat(5000)}\n`).message.length < 300)
})

test('the longest text of nothing but delimiters, blanks or hashes is read', () => {
  const fill = 1024 * 1024 - 10
  assert.equal(read(`[a]\nx:${' '.repeat(fill)}`).a?.x, '')
  assert.equal(read(`[a]\nx:${':'.repeat(fill)}`).a?.x, ':'.repeat(fill))
  assert.equal(read(`[a]\nx:${'#'.repeat(fill)}`).a?.x, '#'.repeat(fill))
})
