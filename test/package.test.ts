// The package as other programs install it: they import the client in Node, and bundle it for browsers.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { startRig } from './support/rig.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = mkdtempSync(join(tmpdir(), 'package-'))
const USER = join(FOLDER, 'user')
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

after(() => rmSync(FOLDER, { recursive: true, force: true }))

/** Builds the modules, packs them with npm, and installs the package into an empty folder. Needs no network. */
async function install(): Promise<void> {
  const source = join(FOLDER, 'source')
  mkdirSync(source)
  mkdirSync(USER)
  await run(process.execPath, [join(ROOT, 'scripts', 'build-modules.mjs'), join(source, 'dist')])
  const { dependencies: _, optionalDependencies: __, ...manifest } = readManifest(ROOT)
  // Without the dependencies, which a registry would have to provide: only the server needs them.
  writeFileSync(join(source, 'package.json'), JSON.stringify(manifest))
  copyFileSync(join(ROOT, 'README.md'), join(source, 'README.md'))
  mkdirSync(join(source, 'src'))
  writeFileSync(join(source, 'src', 'not-packed.ts'), '')
  await run('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: source })
  const [archive = ''] = readdirSync(source).filter(name => name.endsWith('.tgz'))
  writeFileSync(join(USER, 'package.json'), '{ "type": "module" }')
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  await run('npm', ['install', ...options, join(source, archive)], { cwd: USER })
}

function readManifest(folder: string): Record<string, unknown> & { readonly exports: object } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

const installed = install()

test('only what is built is packed', async () => {
  await installed
  const files = readdirSync(join(USER, 'node_modules', 'moonraker-ts'))
  assert.deepEqual(files.sort(), ['README.md', 'dist', 'package.json'])
})

test('Node imports everything that the package exports, and the client connects', async () => {
  await installed
  const names = Object.keys(readManifest(ROOT).exports).map(path => path.replace('.', 'moonraker-ts'))
  const program = `
    for (const name of ${JSON.stringify(names)}) await import(name)
    const { connect } = await import('moonraker-ts/client')
    const client = await connect({ url: process.argv[2] })
    console.log((await client.call('server.info')).klippy_state)
    client.close()`
  writeFileSync(join(USER, 'program.mjs'), program)
  await using rig = await startRig({ printer: 'none' })
  const { stdout } = await run(process.execPath, ['program.mjs', rig.socketPath], { cwd: USER })
  assert.equal(stdout, 'disconnected\n')
})

test('its types check in a program of another project', async () => {
  await installed
  const program = `
    import { connect } from 'moonraker-ts/client'
    import { api } from 'moonraker-ts/api'
    import { VirtualPrinter } from 'moonraker-ts/virtual-printer'
    const client = await connect({ url: 'ws://printer.local' })
    const state: string = (await client.call('server.info')).klippy_state
    // @ts-expect-error a required parameter is missing
    await client.call('server.files.metadata')
    export const used = [state, api['server.info'].summary, VirtualPrinter.name]`
  writeFileSync(join(USER, 'program.ts'), program)
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom',
  ]
  const { stdout } = await run(process.execPath, [TSC, ...options, 'program.ts'], { cwd: USER }).catch(
    (error: { stdout: string }) => error,
  )
  assert.equal(stdout, '')
})

/** A program of another project, bundled for browsers. */
async function bundled(contents: string) {
  await installed
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: USER },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  })
  const [output] = Object.values(metafile.outputs)
  // Of a module that only loads another one, a call is left.
  const used = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 20)
  return {
    size: outputFiles[0]?.contents.length ?? 0,
    imports: output?.imports,
    inputs: Object.keys(metafile.inputs),
    used: used.map(([path]) => path),
  }
}

test('it bundles for browsers, without a module of Node and without the contract', async () => {
  const { size, imports, inputs } = await bundled(
    "import { connect, Fleet, Workshop } from 'moonraker-ts/client'\nwindow.used = [connect, Fleet, Workshop]",
  )
  assert.deepEqual(imports, [])
  assert.deepEqual(
    inputs.filter(path => !/^<stdin>$|\/dist\/client\//.test(path)),
    [],
  )
  assert.ok(size < 25_000, String(size))
})

test('a program of one printer contains nothing of fleets and workshops', async () => {
  const { size, used } = await bundled(
    "import { connect } from 'moonraker-ts/client'\nwindow.connect = connect",
  )
  assert.deepEqual(
    used.filter(path => /\/client\/(fleet|workshop)\//.test(path)),
    [],
  )
  assert.ok(size < 17_000, String(size))
})
