// The files of the pages at /docs: where they are, and their rules.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ApiError } from '../../core/errors.ts'
import {
  type FindPageFile,
  fileAt,
  type PageFile,
  type PageRequest,
  pageFiles,
  pagePolicy,
  sendPageFile,
} from '../../core/page-files.ts'

/** This folder, or that of the bundle (scripts/build.mjs). */
const HERE = import.meta.dirname

/** Swagger UI's own files: in a build in this folder, gzipped; run from source they come from its package. */
const SWAGGER = ['swagger-ui-bundle.js', 'swagger-ui.css']
const PACKED = join(HERE, 'docs')

/** Pages by their addresses below /docs/. */
const PAGES: Readonly<Record<string, string>> = {
  '': 'api.html',
  http: 'api-http.html',
  websocket: 'api-websocket.html',
}

/** Swagger UI shows its icons as `data:` pictures, and pictures in replies of the server as `blob:`. */
const POLICY = pagePolicy('data: blob:')

/** Returns what replies to requests for what is below /docs/. It throws ApiError 404 if there is nothing. */
export function docsFiles(): (request: PageRequest & { readonly rest: string }) => Promise<void> {
  const pages = pageFiles()
  const find: FindPageFile = name => (SWAGGER.includes(name) ? swaggerFile(name) : pages(name))
  return async request => {
    const { rest } = request
    const name = Object.hasOwn(PAGES, rest) ? (PAGES[rest] as string) : rest
    // The pages have their addresses above.
    if (rest.endsWith('.html')) throw new ApiError(404, 'Not Found')
    await sendPageFile(request, name, { find, policy: POLICY })
  }
}

async function swaggerFile(name: string): Promise<PageFile | undefined> {
  return (
    (await fileAt(join(PACKED, `${name}.gz`), true)) ?? (await fileAt(join(swaggerFolder(), name), false))
  )
}

function swaggerFolder(): string {
  try {
    return dirname(createRequire(join(HERE, 'index.ts')).resolve('swagger-ui-dist/package.json'))
  } catch (error) {
    throw new ApiError(404, 'Swagger UI is not installed: build the server again', { cause: error })
  }
}
