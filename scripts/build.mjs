// Bundles the server: one file starts faster and holds less memory than many.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: root, stdio: 'pipe' })
      .toString()
      .trim()
  } catch {
    return '0000000'
  }
}

/**
 * `ws` loads modules for what this server does not do: its client's TLS and compression. They are loaded when they are
 * touched; that saves memory and time at every start.
 */
const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: /^(https|tls|zlib)$/ }, ({ path, importer }) =>
      /[\\/]node_modules[\\/]ws[\\/]/.test(importer) ? { path, namespace: 'lazy' } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => require('node:${path}')[name] })`,
    }))
  },
}

/** The virtual printer stands in a file of its own: a server beside a real printer never reads it. */
const virtualPrinterApart = {
  name: 'virtual-printer-apart',
  setup(build) {
    build.onResolve({ filter: /\/virtual-printer-in-folder\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './virtual-printer.cjs', external: true } : undefined,
    )
  },
}

/** What both files are built with. */
const SETTINGS = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node22.16',
  format: 'cjs',
  legalComments: 'none',
  external: ['bufferutil', 'utf-8-validate'],
  logLevel: 'warning',
}

/** Loads the server through the cache of compiled code, where it can be written. */
const LOADER = `#!/usr/bin/env node
'use strict'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 16)) {
  console.error('moonraker-ts: Node ' + process.versions.node + ' is too old: 22.16 or later is needed')
  process.exit(1)
}
require('node:module').enableCompileCache?.(require('node:path').join(__dirname, 'cache'))
require('./server.cjs')
`

/** Builds the command dist/moonraker.cjs and the server that it loads. */
export async function bundle() {
  const output = join(root, 'dist')
  mkdirSync(output, { recursive: true })
  await build({
    ...SETTINGS,
    entryPoints: ['src/main.ts'],
    outfile: 'dist/server.cjs',
    define: { __COMMIT__: JSON.stringify(commit()) },
    plugins: [lazyModules, virtualPrinterApart],
  })
  await build({
    ...SETTINGS,
    entryPoints: ['src/virtual-printer-in-folder.ts'],
    outfile: 'dist/virtual-printer.cjs',
  })
  writeFileSync(join(output, 'moonraker.cjs'), LOADER)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
