// Bundles the server in parts: server.cjs with what every start needs, and the folder parts with what dynamic imports load.
// esbuild divides the modules into chunks, so that each module is in one file: two copies of a class would be two classes.
// It does that for ECMAScript modules only; further builds make CommonJS of the chunks.
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

/** The loader, as the parts see it. It exports the chunks that they share with server.cjs, by name. */
const LOADER = '../moonraker.cjs'

/**
 * Bundles `entry` into the folder `output`. `settings` are those of all builds, `options` those of this one. `libraries`
 * has the files of the packages that are loaded at their first use, relative to `output`, by name. Resolves to esbuild's
 * metafile of all parts.
 */
export async function bundleParts({ entry, output, settings, options, libraries }) {
  const { chunks, first, metafile } = await divide(entry, settings, options)
  const start = chunksOfStart(chunks, first)
  const parts = new Set([...chunks.keys()].filter(name => !start.has(name)))
  const shared = [...new Set([...parts].flatMap(name => chunks.get(name).imports))].filter(name =>
    start.has(name),
  )
  const texts = new Map([...chunks].map(([name, { text }]) => [name, text]))

  const share = shared.map((name, index) => shareChunk(name, chunks.get(name).exports, `c${index}`))
  await build({
    ...settings,
    entryPoints: [{ in: './entry.js', out: 'server' }],
    outdir: output,
    outExtension: { '.js': '.cjs' },
    // An expression: the loader calls it.
    banner: { js: '(function (require, __dirname, shared) {' },
    footer: { js: '})' },
    define: { 'import.meta.dirname': '__dirname' },
    plugins: [
      chunkFiles({
        texts: new Map([
          ...texts,
          ['shared.js', SHARE + share.join('')],
          ['entry.js', `import './shared.js'; import './${first}'`],
        ]),
        parts,
        folder: './parts',
      }),
      libraryFiles(libraries, './'),
    ],
  })

  const fromServer = shared.map(name => [name, `module.exports = require('${LOADER}')['${name}']`])
  rmSync(join(output, 'parts'), { recursive: true, force: true })
  await build({
    ...settings,
    entryPoints: [...parts].map(name => ({ in: `./${name}`, out: name.replace(/\.js$/, '') })),
    outdir: join(output, 'parts'),
    outExtension: { '.js': '.cjs' },
    banner: {
      js: `require = require('${LOADER}').requireOf(require); const output = require('node:path').dirname(__dirname);`,
    },
    define: { 'import.meta.dirname': 'output' },
    external: [...settings.external, LOADER],
    plugins: [
      chunkFiles({ texts: new Map([...texts, ...fromServer]), parts, folder: '.' }),
      libraryFiles(libraries, '../'),
    ],
  })
  return { metafile }
}

/** Declares a function that shares what `make` returns, and calls it when the first part needs it. */
const SHARE = `const share = (name, make) => Object.defineProperty(shared, name, {
  configurable: true,
  get() {
    const value = make()
    Object.defineProperty(shared, name, { value })
    return value
  },
})
`

/**
 * Shares the exports of a chunk. They are values: no module changes an export. A namespace (`import * as`) would be made at
 * every start, with a function for each export.
 */
function shareChunk(name, exported, prefix) {
  const imports = exported.map(each => `${each} as ${prefix}${each}`)
  const entries = exported.map(each => `${each}: ${prefix}${each}`)
  return `import { ${imports} } from './${name}'\nshare('${name}', () => ({ ${entries} }))\n`
}

/** The chunks by name, each with its text, its exports and the names of those that it imports statically; `first` contains `entry`. */
async function divide(entry, settings, options) {
  const { outputFiles, metafile } = await build({
    ...settings,
    ...options,
    entryPoints: [entry],
    format: 'esm',
    supported: {},
    splitting: true,
    outdir: 'parts',
    write: false,
  })
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]))
  const chunks = new Map(
    Object.entries(metafile.outputs).map(([path, { imports, exports }]) => {
      const statics = imports.filter(({ kind, external }) => kind === 'import-statement' && !external)
      return [
        basename(path),
        { text: texts.get(basename(path)), exports, imports: statics.map(({ path }) => basename(path)) },
      ]
    }),
  )
  const [first] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === entry)
  return { chunks, first: basename(first), metafile }
}

/** The chunks that `first` imports statically, and itself. */
function chunksOfStart(chunks, first) {
  const start = new Set([first])
  for (const name of start) for (const imported of chunks.get(name).imports) start.add(imported)
  return start
}

/** Resolves chunks: those of `parts` are files in `folder`, the others become part of the bundle. */
const chunkFiles = ({ texts, parts, folder }) => ({
  name: 'chunk-files',
  setup(build) {
    build.onResolve({ filter: /^\.\/[^/]+\.js$/ }, ({ path, kind }) => {
      const name = basename(path)
      if (kind === 'entry-point' || !parts.has(name)) return { path: name, namespace: 'chunk' }
      return { path: `${folder}/${name.replace(/\.js$/, '.cjs')}`, external: true }
    })
    build.onLoad({ filter: /./, namespace: 'chunk' }, ({ path }) => ({ contents: texts.get(path) }))
  },
})

/** Resolves the packages in `libraries` to their files; `toOutput` leads there from the file that loads them. */
const libraryFiles = (libraries, toOutput) => ({
  name: 'library-files',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
      libraries.has(path) ? { path: toOutput + libraries.get(path), external: true } : undefined,
    )
  },
})
