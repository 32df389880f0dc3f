// Bundles the server: one file starts faster and needs less memory than many. `node scripts/build.mjs [FOLDER]`, by
// default dist.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { bundleParts } from './bundle-parts.mjs'
import { servedGuide } from './docs-site.mjs'
import { bundlePages } from './pages.mjs'
import { bundledFolders, describePackage, writeThirdParty } from './third-party.mjs'

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

/** `ws` runs at its first use: a start, and the first answer, need no WebSocket. */
const lazyWebSocket = {
  name: 'lazy-websocket',
  setup(build) {
    build.onResolve({ filter: /^ws$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'ws', namespace: 'lazy-websocket' } : undefined,
    )
    build.onLoad({ filter: /./, namespace: 'lazy-websocket' }, () => ({
      contents: `module.exports = {
        get WebSocket() { return require('./lib/websocket.js') },
        get WebSocketServer() { return require('./lib/websocket-server.js') },
      }`,
      resolveDir: join(root, 'node_modules', 'ws'),
    }))
  },
}

/**
 * `ws` loads modules that not every server uses, or not before its first client: TLS of its client, compression and
 * hashes. This plugin loads them at their first use, which saves memory and time at every start.
 */
const lazyModules = {
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: /^(https|tls|zlib|crypto)$/ }, ({ path, importer }) =>
      /[\\/]node_modules[\\/]ws[\\/]/.test(importer) ? { path, namespace: 'lazy' } : undefined,
    )
    // `ws` uses nothing but functions and, of zlib, constants. It hashes only in the handshake.
    build.onLoad({ filter: /^crypto$/, namespace: 'lazy' }, () => ({
      contents: `const { HandshakeHash } = require('./src/transports/handshake-hash.ts')
      const own = { createHash: () => new HandshakeHash() }
      module.exports = new Proxy(own, { get: (_, name) => own[name] ?? ((...args) => require('node:crypto')[name](...args)) })`,
      resolveDir: root,
    }))
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => require('node:${path}')[name] })`,
    }))
  },
}

/**
 * Packages that are loaded at their first use are files of their own in dist/lib: an unused one is not even read. Adds
 * their files to `libraries`.
 */
const packagesApart = libraries => ({
  name: 'packages-apart',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind }) => {
      if (kind !== 'dynamic-import' || isBuiltin(path) || NATIVE.includes(path)) return undefined
      libraries.set(path, `lib/${path.replace('/', '+')}.cjs`)
      return { path, external: true }
    })
  },
})

/** Native packages, which are resolved at run time. */
const NATIVE = ['koffi']

/** Values that the code has after the build. */
const DEFINED = {
  // What src/core/version.ts reports.
  __COMMIT__: JSON.stringify(commit()),
  __VERSION__: JSON.stringify(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version),
  // `ws` would look for optional native packages at every start.
  'process.env.WS_NO_BUFFER_UTIL': '"1"',
  'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
}

/** The settings of all builds. */
const SETTINGS = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node22.16',
  format: 'cjs',
  legalComments: 'none',
  external: NATIVE,
  define: DEFINED,
  // A CommonJS package has its named exports with `require` only.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
  // For the list of what is bundled.
  metafile: true,
}

/** Builds the command moonraker.cjs in the folder `output`, and the server that it loads. */
export async function bundle(output = join(root, 'dist')) {
  rmSync(join(output, 'lib'), { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  const libraries = new Map()
  const server = await bundleParts({
    entry: 'src/main.ts',
    output,
    settings: SETTINGS,
    options: { plugins: [lazyWebSocket, lazyModules, packagesApart(libraries)] },
    libraries,
  })
  const builds = [server, await bundleWorkers(output), await packPages(join(output, 'pages'))]
  packFiles(join(output, 'guide'), (await servedGuide()).files)
  for (const [name, file] of libraries) {
    builds.push(await build({ ...SETTINGS, entryPoints: [name], outfile: join(output, file) }))
  }
  const bundled = new Set(builds.flatMap(({ metafile }) => bundledFolders(metafile)))
  const swagger = packSwagger(join(output, 'docs'))
  writeThirdParty(output, [swagger, ...[...bundled].map(folder => describePackage(folder))])
  const name = createHash('sha256')
    .update(readFileSync(join(output, 'server.cjs')))
    .digest('hex')
  const loader = readFileSync(join(root, 'scripts', 'loader.cjs'), 'utf8')
  writeFileSync(join(output, 'moonraker.cjs'), loader.replace('__BUILD__', name))
}

/**
 * Builds the workers, and the file processors that one of them loads: none of them is part of the server's bundle. Resolves
 * to esbuild's result.
 */
export async function bundleWorkers(output) {
  const programs = {
    'metadata-worker': 'src/components/metadata/worker/worker.ts',
    'rf-worker': 'src/components/power/types/rf-worker.ts',
    'update-guard': 'src/components/update-manager/self/guard.ts',
    ...Object.fromEntries(
      globSync('src/**/*.processor.ts', { cwd: root }).map(path => [
        `processors/${path.slice('src/'.length, -'.ts'.length).replaceAll('/', '+')}`,
        path,
      ]),
    ),
  }
  rmSync(join(output, 'processors'), { recursive: true, force: true })
  return build({
    ...SETTINGS,
    entryPoints: programs,
    outdir: output,
    outExtension: { '.js': '.cjs' },
    define: { ...DEFINED, 'import.meta.dirname': '__dirname' },
  })
}

/** Writes the files of Swagger UI, for the page at /docs/http, to `folder`. Returns the description of its package. */
function packSwagger(folder) {
  const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const names = ['swagger-ui-bundle.js', 'swagger-ui.css']
  packFiles(folder, new Map(names.map(name => [name, readFileSync(join(swagger, name))])))
  // Its bundle contains packages too.
  return describePackage(relative(root, swagger), ['swagger-ui-bundle.js.LICENSE.txt'])
}

/** Writes the files of src/pages to `folder`, compressed as they are sent. Resolves to what bundled them. */
async function packPages(folder) {
  const pages = await bundlePages()
  packFiles(folder, pages.files)
  return pages
}

/** Writes files to an empty folder, by their paths in it: gzipped, except for pictures, which are compressed already. */
function packFiles(folder, files) {
  rmSync(folder, { recursive: true, force: true })
  for (const [path, content] of files) {
    const isPicture = path.endsWith('.webp')
    const target = join(folder, isPicture ? path : `${path}.gz`)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, isPicture ? content : gzipSync(content, { level: 9 }))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle(process.argv[2])
