// The package as people install it with npm: its command runs the server, and other programs import its modules.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { FREE_PORT_CONF } from './support/free-port-conf.ts'
import { startRig } from './support/rig.ts'
import { copyBundle } from './support/server-bundle.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = mkdtempSync(join(tmpdir(), 'package-'))
const USER = join(FOLDER, 'user')
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

after(() => rmSync(FOLDER, { recursive: true, force: true }))

/** Packs what a build has made and installs the package into an empty folder. Needs no network. */
async function install(): Promise<void> {
  const source = join(FOLDER, 'source')
  mkdirSync(USER)
  await copyBundle(join(source, 'dist'))
  await run(process.execPath, [join(ROOT, 'scripts', 'build-modules.mjs'), join(source, 'dist', 'modules')])
  for (const name of ['package.json', 'README.md', 'LICENSE', 'packaging', 'docs'])
    cpSync(join(ROOT, name), join(source, name), { recursive: true })
  mkdirSync(join(source, 'src'))
  writeFileSync(join(source, 'src', 'not-packed.ts'), '')
  await run('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: source })
  const [archive = ''] = readdirSync(source).filter(name => name.endsWith('.tgz'))
  writeFileSync(join(USER, 'package.json'), '{ "type": "module" }')
  // koffi is left out: a registry would have to provide it.
  const options = ['--offline', '--omit=optional', '--no-audit', '--no-fund', '--silent']
  await run('npm', ['install', ...options, join(source, archive)], { cwd: USER })
}

function readManifest(folder: string): Record<string, unknown> & { readonly exports: object } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

const installed = install()

test('only what is built is packed, and nothing else is installed or run with it', async () => {
  await installed
  assert.deepEqual(readdirSync(join(USER, 'node_modules')).sort(), [
    '.bin',
    '.package-lock.json',
    'moonraker-ts',
  ])
  const folder = join(USER, 'node_modules', 'moonraker-ts')
  assert.deepEqual(readdirSync(folder).sort(), ['LICENSE', 'README.md', 'dist', 'package.json', 'packaging'])
  assert.deepEqual(readdirSync(join(folder, 'packaging')).sort(), ['polkit', 'systemd'])
  const { scripts = {} } = readManifest(folder)
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.ok(!(name in (scripts as object)))
})

test('its command runs a server with a virtual printer, with its data in the present folder', async () => {
  await installed
  const config = join(USER, 'printer_data', 'config')
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'moonraker.conf'), FREE_PORT_CONF)
  const command = join(USER, 'node_modules', '.bin', 'moonraker-ts')
  const server = spawn(command, ['--virtual-printer'], { cwd: USER })
  const ended = once(server, 'exit')
  let output = ''
  for await (const text of server.stdout.setEncoding('utf8')) {
    output += text
    if (output.includes("Klippy's state: ready")) break
  }
  const [, url = ''] = /is up: (\S+)/.exec(output) ?? []
  const reply = await fetch(`${url}/server/info`)
  server.kill()
  await ended
  const { result } = (await reply.json()) as { result: object }
  assert.deepEqual(result, { ...result, klippy_state: 'ready', failed_components: [], warnings: [] })
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

test('its types check in a program of another project, however that resolves modules', async () => {
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
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2023,dom']
  const checks = [
    ['--module', 'nodenext'],
    ['--module', 'node16'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ].map(modules => run(process.execPath, [TSC, ...options, ...modules, 'program.ts'], { cwd: USER }))
  for (const check of checks) {
    const { stdout } = await check.catch((error: { stdout: string }) => error)
    assert.equal(stdout, '')
  }
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
    inputs.filter(path => !/^<stdin>$|\/modules\/client\//.test(path)),
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
