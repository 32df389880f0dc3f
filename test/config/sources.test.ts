// moonraker.conf with includes: precedence, the place of each option, and what is rejected.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import type { ConfigError } from '../../src/config/config-error.ts'
import { type ConfigSources, originalView, readSources } from '../../src/config/sources.ts'
import { refused } from './configuration.ts'
import { Folder } from './folder.ts'

function refusedMain(content: string | Buffer): ConfigError {
  using folder = new Folder({ 'moonraker.conf': content })
  return refused(() => readSources(folder.at('moonraker.conf')))
}

function place(sources: ConfigSources, section: string, option: string): string {
  const found = sources.sections.get(section)?.options.get(option)
  return `${found?.file}:${found?.line} ${found?.value}`
}

test('a single file, as written', () => {
  using folder = new Folder({
    'moonraker.conf':
      '[server]\nHost: 0.0.0.0\nport = 7125\n[authorization]\ntrusted_clients:\n  10.0.0.0/8\n  ::1\n',
  })
  const sources = readSources(folder.at('moonraker.conf'))
  assert.deepEqual(originalView(sources), {
    DEFAULT: {},
    server: { host: '0.0.0.0', port: '7125' },
    authorization: { trusted_clients: '\n10.0.0.0/8\n::1' },
  })
  assert.equal(place(sources, 'server', 'port'), 'moonraker.conf:3 7125')
  assert.deepEqual(sources.files, [
    { path: folder.at('moonraker.conf'), name: 'moonraker.conf', sections: ['server', 'authorization'] },
  ])
})

test('a later option wins, in the order of the text', () => {
  using folder = new Folder({
    'moonraker.conf': '[server]\nhost: a\nport: 1\n[include inc/extras.conf]\n[machine]\nprovider: none\n',
    'inc/extras.conf':
      '[mqtt]\naddress: x\n[server]\nport: 2\n[machine]\nprovider: other\nsudo_password: p\n',
  })
  const sources = readSources(folder.at('moonraker.conf'))
  assert.equal(place(sources, 'server', 'host'), 'moonraker.conf:2 a')
  assert.equal(place(sources, 'server', 'port'), 'inc/extras.conf:4 2')
  assert.equal(place(sources, 'machine', 'provider'), 'moonraker.conf:6 none')
  assert.equal(place(sources, 'machine', 'sudo_password'), 'inc/extras.conf:7 p')
  assert.deepEqual(Object.keys(originalView(sources)), ['DEFAULT', 'server', 'mqtt', 'machine'])
  assert.deepEqual(
    sources.files.map(file => [file.name, file.sections]),
    [
      ['moonraker.conf', ['server', 'machine']],
      ['inc/extras.conf', ['mqtt', 'server', 'machine']],
    ],
  )
})

test('includes nest, relative to the file that contains them', () => {
  using folder = new Folder({
    'config/moonraker.conf': '[server]\n[include a/*.conf]\n[include ../shared.conf]\n',
    'config/a/2.conf': '[x]\nv: 2\n',
    'config/a/1.conf': '[x]\nv: 1\n[include deep/three.conf]\n',
    'config/a/deep/three.conf': '[x]\nv: 3\nw: 3\n',
    'shared.conf': '[y]\n',
  })
  const sources = readSources(folder.at('config/moonraker.conf'))
  assert.deepEqual(
    sources.files.map(file => file.name),
    ['moonraker.conf', 'a/1.conf', 'a/deep/three.conf', 'a/2.conf', folder.at('shared.conf')],
  )
  assert.equal(place(sources, 'x', 'v'), 'a/2.conf:2 2')
  assert.equal(place(sources, 'x', 'w'), 'a/deep/three.conf:3 3')
})

test('DEFAULT provides missing options', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\nport: 1\n[DEFAULT]\nport: 2\nhost: h\n[b]\n' })
  const sources = readSources(folder.at('moonraker.conf'))
  assert.deepEqual(originalView(sources), {
    DEFAULT: { port: '2', host: 'h' },
    server: { port: '1', host: 'h' },
    b: { port: '2', host: 'h' },
  })
  assert.deepEqual([...sources.sections.keys()], ['server', 'b'])
})

test('names of object properties survive the view', () => {
  using folder = new Folder({ 'moonraker.conf': '[__proto__]\n__proto__: 1\n' })
  const view = originalView(readSources(folder.at('moonraker.conf')))
  assert.equal(JSON.stringify(view), '{"DEFAULT":{},"__proto__":{"__proto__":"1"}}')
})

test('wildcards without a match are a warning, a missing file is an error', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n[include printers/*.conf]\n' })
  const { warnings } = readSources(folder.at('moonraker.conf'))
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^moonraker\.conf, line 2: \[include printers\/\*\.conf\] matches no file/)

  folder.write('moonraker.conf', '[server]\n\n[include extras.conf]\n')
  const error = refused(() => readSources(folder.at('moonraker.conf')))
  assert.match(
    error.message,
    /^moonraker\.conf, line 3: \[include extras\.conf\]: extras\.conf does not exist/,
  )
  assert.deepEqual(error.place, { file: 'moonraker.conf', line: 3, section: 'include extras.conf' })
})

test('a linked include is read under the name of its link', () => {
  using folder = new Folder({
    'elsewhere/real.conf': '[a]\nx: 1\n',
    'config/moonraker.conf': '[server]\n[include linked.conf]\n',
  })
  folder.link('config/linked.conf', '../elsewhere/real.conf')
  const sources = readSources(folder.at('config/moonraker.conf'))
  assert.equal(place(sources, 'a', 'x'), 'linked.conf:2 1')
})

const LOOPS: [what: string, files: Record<string, string>][] = [
  ['itself', { 'moonraker.conf': '[server]\n[include moonraker.conf]\n' }],
  ['itself by wildcard', { 'moonraker.conf': '[server]\n[include *.conf]\n' }],
  [
    'each other',
    { 'moonraker.conf': '[server]\n[include b.conf]\n', 'b.conf': '[include ./../config/moonraker.conf]\n' },
  ],
  [
    'one file twice',
    { 'moonraker.conf': '[server]\n[include b.conf]\n[include sub/../b.conf]\n', 'b.conf': '[x]\n' },
  ],
]

for (const [what, files] of LOOPS) {
  test(`including ${what} is rejected`, () => {
    const named = Object.entries(files).map(([name, text]) => [`config/${name}`, text] as const)
    using folder = new Folder(Object.fromEntries(named))
    const error = refused(() => readSources(folder.at('config/moonraker.conf')))
    assert.match(error.message, /line \d+: \[include .*was already read \(as (moonraker|b)\.conf/)
    assert.match(error.place.section ?? '', /^include /)
  })
}

test('a link back to the includer is the same file', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n[include again.conf]\n' })
  folder.link('again.conf', 'moonraker.conf')
  assert.match(
    refused(() => readSources(folder.at('moonraker.conf'))).message,
    /again\.conf was already read/,
  )
})

test('links without a target, to themselves, or to folders', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n[include x.conf]\n', 'sub/y': '' })
  folder.link('x.conf', 'nothing')
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /x\.conf does not exist/)
  folder.write('moonraker.conf', '[server]\n[include circle.conf]\n')
  folder.link('circle.conf', 'circle.conf')
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /refers to itself/)
  folder.write('moonraker.conf', '[server]\n[include sub]\n')
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /sub is not a file/)
  folder.write('moonraker.conf', '[server]\n[include sub/y/z.conf]\n')
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /z\.conf does not exist/)
})

test('an include that is not readable', {
  skip: process.getuid?.() === 0 && 'root can read every file',
}, () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n[include x.conf]\n', 'x.conf': '[a]\n' })
  folder.chmod('x.conf', 0)
  const { message } = refused(() => readSources(folder.at('moonraker.conf')))
  assert.match(message, /moonraker\.conf, line 2: .*x\.conf cannot be read; give the user/)
})

test('files of the server itself cannot be included, by links and folders either', () => {
  using folder = new Folder({
    'config/moonraker.conf': '[server]\n[include ../moonraker.secrets]\n',
    'moonraker.secrets': '[a]\nb: c\n',
    'certs/key': '[a]\n',
  })
  const reserved = [folder.at('moonraker.secrets'), folder.at('certs')]
  const read = () => readSources(folder.at('config/moonraker.conf'), { reserved })
  assert.match(refused(read).message, /belongs to the server/)
  folder.link('config/innocent.conf', '../moonraker.secrets')
  folder.write('config/moonraker.conf', '[server]\n[include innocent.conf]\n')
  assert.match(refused(read).message, /belongs to the server/)
  folder.write('config/moonraker.conf', '[server]\n[include ../certs/*]\n')
  assert.match(refused(read).message, /belongs to the server/)
})

test('options below an include have no section', () => {
  const error = refusedMain('[server]\n[include x*.conf]\nport: 1\n')
  assert.match(error.message, /line 3: the option "port" is below \[include x\*\.conf\]/)
})

test('an include without a name', () => {
  assert.match(refusedMain('[server]\n[include  ]\n').message, /line 2: \[include\] has no file name/)
})

test('an error in an included file names that file', () => {
  using folder = new Folder({ 'moonraker.conf': '[include a/b.conf]\n', 'a/b.conf': '[x]\ny: 1\ny: 2\n' })
  const error = refused(() => readSources(folder.at('moonraker.conf')))
  assert.ok(error.message.startsWith(`a${path.sep}b.conf, line 3: `), error.message)
  assert.deepEqual(error.place, { file: 'a/b.conf', line: 3, section: 'x', option: 'y' })
})

test('a file that is not text is rejected', () => {
  assert.match(refusedMain(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2])).message, /zero byte/)
  assert.match(refusedMain(Buffer.from('[a]\nx: \xff\xfe\n', 'latin1')).message, /line 2: this is not UTF-8/)
  assert.match(refusedMain(Buffer.from('\uFEFF[a]\n', 'utf16le')).message, /not UTF-8/)
  assert.match(refusedMain(Buffer.alloc(10 * 1024 * 1024, 'x')).message, /larger than 1048576 bytes/)
})

test('number and size of files are limited', () => {
  using folder = new Folder({ 'moonraker.conf': '[server]\n[include many/*]\n' })
  for (let index = 0; index < 5; index++) folder.write(`many/${index}`, `#${'x'.repeat(1024 * 1024 - 1)}`)
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /files before it are larger/)
  for (let index = 0; index < 501; index++) folder.write(`many/${index}`, '')
  assert.match(refused(() => readSources(folder.at('moonraker.conf'))).message, /the limit is 500/)
})

test('the error of a missing configuration contains its path', () => {
  using folder = new Folder()
  const { message } = refused(() => readSources(folder.at('moonraker.conf')))
  assert.equal(message, `${folder.at('moonraker.conf')}: does not exist; create it, or correct its name`)
})

test('a byte order mark and Windows line ends', () => {
  using folder = new Folder({ 'moonraker.conf': '\uFEFF[server]\r\nhost: a\r\n[sensor Düse]\r\n' })
  assert.deepEqual(originalView(readSources(folder.at('moonraker.conf'))), {
    DEFAULT: {},
    server: { host: 'a' },
    'sensor Düse': {},
  })
})
