// Bundles the pages of src/pages for browsers. Each folder with an index.html is a page: its main.ts and its style.css
// become FOLDER.js and FOLDER.css, and index.html becomes FOLDER.html. A further page of a folder, PAGE.html, has its PAGE.ts and
// PAGE.css, which become FOLDER-PAGE.
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The `files` of all pages by their names, as browsers load them, and esbuild's metafile. */
export async function bundlePages() {
  const pages = globSync('src/pages/*/*.html', { cwd: root }).map(pageOf)
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: pages.flatMap(({ name, script, style }) =>
      [script, style].map(file => ({ in: file, out: name })),
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
    ...pages.map(({ name, html }) => [`${name}.html`, readFileSync(join(root, html))]),
    ...outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]),
  ])
  return { files, metafile }
}

/** The files of a page by the path of its HTML. */
function pageOf(html) {
  const folder = dirname(html)
  const page = basename(html, '.html')
  const [name, script, style] =
    page === 'index' ? [basename(folder), 'main', 'style'] : [`${basename(folder)}-${page}`, page, page]
  return { name, html, script: `${folder}/${script}.ts`, style: `${folder}/${style}.css` }
}
