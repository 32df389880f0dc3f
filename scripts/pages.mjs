// Bundles the pages of src/pages for browsers. Each folder with an index.html is a page: its main.ts and its style.css
// become NAME.js and NAME.css, and index.html becomes NAME.html.
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The `files` of all pages by their names, as browsers load them, and esbuild's metafile. */
export async function bundlePages() {
  const pages = globSync('src/pages/*/index.html', { cwd: root }).map(path => basename(dirname(path)))
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: pages.flatMap(page =>
      ['main.ts', 'style.css'].map(file => ({ in: `src/pages/${page}/${file}`, out: page })),
    ),
    outdir: 'pages',
    bundle: true,
    minify: true,
    splitting: true,
    chunkNames: 'part-[hash]',
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // Of the client's transports, that of Node.
    external: ['*/unix.ts'],
    legalComments: 'none',
    write: false,
    metafile: true,
    logLevel: 'warning',
  })
  const files = new Map([
    ...pages.map(page => [`${page}.html`, readFileSync(join(root, 'src/pages', page, 'index.html'))]),
    ...outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]),
  ])
  return { files, metafile }
}
