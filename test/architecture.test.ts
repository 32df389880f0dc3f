// Checks the structure of src/: imports go one way, without circles, files stay small, and every file has a heading.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each folder of src/ may import, in addition to itself. `*` is everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  schema: [],
  api: ['schema'],
  client: ['api', 'schema'],
  core: ['api', 'schema'],
  motion: [],
  template: ['core'],
  config: ['core', 'schema'],
  storage: ['core', 'schema'],
  rpc: ['api', 'core', 'schema'],
  klippy: ['rpc', 'api', 'core', 'schema'],
  transports: ['rpc', 'api', 'core', 'klippy', 'schema'],
  components: [
    'schema',
    'api',
    'core',
    'config',
    'storage',
    'template',
    'rpc',
    'klippy',
    'component',
    'motion',
    'fleet/contract',
  ],
  'virtual-printer': ['klippy/framing.ts', 'core', 'motion', 'template'],
  component: ['config', 'core', 'klippy', 'rpc', 'storage', 'template'],
  pages: ['api', 'client'],
  'fleet/contract': ['api', 'schema'],
  'fleet/hub': ['fleet/contract', 'components', 'config', 'core', 'rpc', 'transports', 'api', 'schema'],
}

/** The composition: may import everything, and is imported by nothing below it. */
const COMPOSITION = ['app', 'workshop', 'main.ts']

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
  readonly lazy: boolean
}

const files = globSync('src/**/*.ts', { cwd: root })
  .map(file => file.slice('src/'.length))
  .sort()

const sources = new Map(files.map(file => [file, readFileSync(join(root, 'src', file), 'utf8')]))

const imports: Import[] = [...sources].flatMap(([from, text]) => {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'/gms)
  const lazy = text.matchAll(/import\('(\.[^']+)'\)/g)
  const at = (to: string) => normalize(join(dirname(from), to))
  return [
    ...[...statements].map(([, type, to]) => ({
      from,
      to: at(to as string),
      typeOnly: type !== undefined,
      lazy: false,
    })),
    ...[...lazy].map(([, to]) => ({ from, to: at(to as string), typeOnly: false, lazy: true })),
  ]
})

/** The row of the table for a file. The parts of the fleet are programs of their own, with a row each. */
const folderOf = (file: string) => {
  const folders = file.split('/').slice(0, file.startsWith('fleet/') ? 2 : 1)
  return folders.join('/')
}

test('imports run one way', () => {
  const wrong = imports.filter(({ from, to }) => {
    const folder = folderOf(from)
    if (COMPOSITION.includes(folder) || folder === folderOf(to)) return false
    const allowed = MAY_IMPORT[folder]
    assert.ok(allowed, `src/${folder} has no row in the table of folders`)
    return !allowed.some(name => to === name || folderOf(to) === name)
  })
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} imports ${to}`),
    [],
  )
})

test('a component imports only types and service.ts of another', () => {
  const componentOf = (file: string) => file.split('/').slice(0, 2).join('/')
  const wrong = imports.filter(
    ({ from, to, typeOnly }) =>
      !typeOnly &&
      from.startsWith('components/') &&
      from !== 'components/index.ts' &&
      to.startsWith('components/') &&
      componentOf(from) !== componentOf(to) &&
      !/^components\/[^/]+\/service\.ts$/.test(to),
  )
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} imports ${to}`),
    [],
  )
})

test('a service.ts loads no component', () => {
  const wrong = imports.filter(
    ({ from, to, typeOnly }) => !typeOnly && from.endsWith('/service.ts') && to.startsWith('components/'),
  )
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} imports ${to}`),
    [],
  )
})

test('every folder of components/ is registered in components/index.ts', () => {
  const registered = new Set(
    imports.filter(({ from }) => from === 'components/index.ts').map(({ to }) => to.split('/')[1]),
  )
  const folders = new Set(
    files.filter(file => file.startsWith('components/')).map(file => file.split('/')[1]),
  )
  folders.delete('index.ts')
  assert.deepEqual([...folders.difference(registered)], [])
})

test('a component that needs its section is loaded with import() only', () => {
  const needsSection = files.filter(
    file => file.startsWith('components/') && sources.get(file)?.includes("presence: 'configured'"),
  )
  const loaded = new Set(['main.ts'])
  for (const file of loaded) {
    for (const { from, to, typeOnly, lazy } of imports)
      if (from === file && !typeOnly && !lazy) loaded.add(to)
  }
  assert.ok(needsSection.length > 0)
  assert.deepEqual(
    needsSection.filter(file => loaded.has(file)),
    [],
  )
})

test('no imports in a circle, types included', () => {
  const next = new Map<string, string[]>()
  for (const { from, to, lazy } of imports) {
    if (!lazy) next.set(from, [...(next.get(from) ?? []), to])
  }
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const to of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(circles, [])
})

test('files stay under 400 lines', () => {
  const all = globSync('{src,test,scripts,bench}/**/*.{ts,mjs}', { cwd: root })
  const long = all.filter(file => readFileSync(join(root, file), 'utf8').split('\n').length > 400)
  assert.deepEqual(long, [])
})

test('every file starts with a line about its purpose', () => {
  const mute = files.filter(file => !/^(#!.*\n)?\/\/ \S/.test(sources.get(file) as string))
  assert.deepEqual(mute, [])
})

test('no explicit any', () => {
  const loose = files.filter(file =>
    /(:|<|\bas|,)\s*any\b(?!Of)\s*[,;)>\]=|&[]/.test(sources.get(file) as string),
  )
  assert.deepEqual(loose, [])
})

test('no state at module level', () => {
  const stateful = files.filter(file => /^(export )?(let|var) /m.test(sources.get(file) as string))
  assert.deepEqual(stateful, [])
})

test('every class of errors has its own name', () => {
  // A literal, as the bundle shortens the names of classes.
  const classes = [...sources].flatMap(([file, text]) =>
    [...text.matchAll(/^(?:export )?class (\w+) extends (\w+)[^{]*\{(.*?)\}$/gms)].map(
      ([, name, base, body]) => ({
        file,
        name: name as string,
        base: base as string,
        isNamed:
          (body as string).includes(`name: string = '${name}'`) ||
          (body as string).includes(`name = '${name}'`),
      }),
    ),
  )
  const errors = new Set(['Error', 'SyntaxError', 'TypeError', 'RangeError'])
  for (let before = 0; before !== errors.size; ) {
    before = errors.size
    for (const { name, base } of classes) if (errors.has(base)) errors.add(name)
  }
  const nameless = classes.filter(({ base, isNamed }) => errors.has(base) && !isNamed)
  assert.deepEqual(
    nameless.map(({ file, name }) => `${name} in ${file}`),
    [],
  )
})

test('only main.ts ends the process', () => {
  const wrong = files.filter(file => /\bprocess\.exit\(/.test(sources.get(file) as string))
  assert.deepEqual(
    wrong.filter(file => !file.endsWith('main.ts')),
    [],
  )
})

test('the client and the contract need no Node', () => {
  const wrong = files.filter(file => {
    const portable = /^(client|api|schema)\//.test(file) && file !== 'client/links/unix.ts'
    return portable && /from '(node:|ws')/.test(sources.get(file) as string)
  })
  assert.deepEqual(wrong, [])
})

test('the project reads nothing outside its folder', () => {
  // Pages have a folder of that name.
  const all = globSync('{src,scripts}/**/*.{ts,mjs}', { cwd: root }).filter(
    file => !file.startsWith('src/pages/'),
  )
  const outside = all.filter(file => {
    const text = readFileSync(join(root, file), 'utf8')
    return /['"`]\.\.\/shared|\.\.\/\.\.\/shared/.test(text) && !file.startsWith('scripts/import-')
  })
  assert.deepEqual(outside, [])
})
