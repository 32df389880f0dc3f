// Builds the documents as a site: `node scripts/docs-site.mjs [FOLDER]`, by default site. The pages link to each other and
// search without a server; the server has them at /docs/guide.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Documents } from './docs-site/documents.mjs'
import { pageOf } from './docs-site/page.mjs'
import { renderDocument, textsOf } from './docs-site/render.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The files of the site by their paths, and what is wrong with the documents: links that lead nowhere, and documents that no
 * list contains. With `served` the pages link to the server's other pages.
 */
export async function docsSite({ root = ROOT, served = false } = {}) {
  const documents = new Documents(root)
  const pages = documents.all.map(document => {
    const content = renderDocument(document, documents)
    return [document.page, Buffer.from(pageOf({ document, content, menu: documents.menu, served }))]
  })
  const sections = documents.all.flatMap(textsOf)
  const files = new Map([
    ...pages,
    ['search-index.js', Buffer.from(`globalThis.guideSections = ${JSON.stringify(sections)}`)],
    ...(await assets()),
    ...documents.linkedFiles(),
  ])
  return { files, problems: documents.problems }
}

/** The site as the server sends it. */
export function servedGuide() {
  return docsSite({ served: true })
}

/** The script of the pages and their style. A plain script: browsers load no modules from a disk. */
async function assets() {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [
      { in: 'src/pages/guide/main.ts', out: 'guide' },
      { in: 'src/pages/guide/style.css', out: 'guide' },
    ],
    outdir: 'guide',
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  })
  return outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)])
}

async function main(folder) {
  const { files, problems } = await docsSite()
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exit(1)
  rmSync(folder, { recursive: true, force: true })
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  console.log(`${files.size} files in ${folder}: open ${join(folder, 'index.html')}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2] ?? join(ROOT, 'site'))
