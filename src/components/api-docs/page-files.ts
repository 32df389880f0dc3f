// The files of the page at /docs: where they are, and their rules.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ApiError } from '../../core/errors.ts'
import { fileAt, type PageFile, type PageRequest, pagePolicy, sendPageFile } from '../../core/page-files.ts'

/** This folder, or that of the bundle (scripts/build.mjs). */
const HERE = import.meta.dirname

/** Where the build puts the files, each gzipped as `<name>.gz`. */
const PACKED = join(HERE, 'docs')

/** Swagger UI's own files; run from source they come from its package. */
const SWAGGER = ['swagger-ui-bundle.js', 'swagger-ui.css']

/** Pages by their addresses below /docs/. */
const PAGES: Readonly<Record<string, string>> = {
  '': 'index.html',
  http: 'http.html',
  websocket: 'websocket.html',
}

/** Swagger UI shows its signs as `data:` pictures, and pictures that the server answers with as `blob:`. */
const POLICY = pagePolicy('data: blob:')

/** Answers a request for what is below /docs/. Throws ApiError 404 if there is nothing. */
export async function sendDocsFile(
  request: PageRequest & { readonly rest: string },
  packed = PACKED,
): Promise<void> {
  const { rest } = request
  // The pages have their addresses above.
  if (!Object.hasOwn(PAGES, rest) && !/\.(css|js)$/.test(rest)) throw new ApiError(404, 'Not Found')
  const name = Object.hasOwn(PAGES, rest) ? (PAGES[rest] as string) : rest
  await sendPageFile(request, name, { find: file => findFile(file, packed), policy: POLICY })
}

async function findFile(name: string, packed: string): Promise<PageFile | undefined> {
  const source = () => (SWAGGER.includes(name) ? swaggerFolder() : join(HERE, 'page'))
  return (await fileAt(join(packed, `${name}.gz`), true)) ?? (await fileAt(join(source(), name), false))
}

function swaggerFolder(): string {
  try {
    return dirname(createRequire(join(HERE, 'page')).resolve('swagger-ui-dist/package.json'))
  } catch (error) {
    throw new ApiError(404, 'Swagger UI is not installed: build the server again', { cause: error })
  }
}
