// The files of the page at /docs: where they lie, and how they are sent. They are streamed from the disk; none is kept.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'

/** This folder, or that of the bundle (scripts/build.mjs). */
const HERE = import.meta.dirname

/** Where the build puts the files, each gzipped as `<name>.gz`. */
export const PACKED = join(HERE, 'docs')

/** Swagger UI's own files; run from source they come from its package. */
const SWAGGER = ['swagger-ui-bundle.js', 'swagger-ui.css']

/** Pages by their addresses below /docs/. */
const PAGES: Readonly<Record<string, string>> = {
  '': 'index.html',
  http: 'http.html',
  websocket: 'websocket.html',
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=UTF-8',
  '.css': 'text/css; charset=UTF-8',
  '.js': 'text/javascript; charset=UTF-8',
}

/**
 * Nothing runs but the page's own files, and nothing leads elsewhere. Swagger UI shows its signs as `data:` pictures,
 * and pictures that the server answers with as `blob:`.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data: blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A file on the disk. */
interface Stored {
  readonly path: string
  readonly gzipped: boolean
  readonly size: number
  /** Changes with the file. Weak, since it is the same for the gzipped and the plain form. */
  readonly tag: string
}

/** Answers a request for what lies below /docs/. Throws ApiError 404 where there is nothing. */
export async function sendPageFile(
  { req, res, rest }: Pick<RawRequest, 'req' | 'res' | 'rest'>,
  packed = PACKED,
): Promise<void> {
  const name = Object.hasOwn(PAGES, rest) ? (PAGES[rest] as string) : rest
  // The pages have their addresses above; the name cannot lead out of a folder.
  if (rest.endsWith('.html') || !/^[a-z][a-z-]*\.(html|css|js)$/.test(name))
    throw new ApiError(404, 'Not Found')
  const stored = await findFile(name, packed)
  if (stored === undefined) throw new ApiError(404, 'Not Found')
  res.setHeader('Content-Type', TYPES[extname(name)] as string)
  res.setHeader('Content-Security-Policy', POLICY)
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'no-referrer')
  res.setHeader('Cache-Control', 'no-cache')
  res.setHeader('Vary', 'Accept-Encoding')
  res.setHeader('ETag', stored.tag)
  if (req.headers['if-none-match'] === stored.tag) return void res.writeHead(304).end()
  const asStored = !stored.gzipped || takesGzip(req.headers['accept-encoding'])
  if (stored.gzipped && asStored) res.setHeader('Content-Encoding', 'gzip')
  if (asStored) res.setHeader('Content-Length', stored.size)
  if (req.method === 'HEAD') return void res.end()
  const file = createReadStream(stored.path)
  const done = asStored ? pipeline(file, res) : pipeline(file, await gunzip(), res)
  // Either the client has left, or the rest cannot be read, which it sees by the broken connection.
  await done.catch(() => res.destroy())
}

async function findFile(name: string, packed: string): Promise<Stored | undefined> {
  const source = () => (SWAGGER.includes(name) ? swaggerFolder() : join(HERE, 'page'))
  return (await look(join(packed, `${name}.gz`), true)) ?? (await look(join(source(), name), false))
}

async function look(path: string, gzipped: boolean): Promise<Stored | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isFile()) return undefined
  const { size, mtimeMs } = found
  return { path, gzipped, size, tag: `W/"${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"` }
}

function swaggerFolder(): string {
  try {
    return dirname(createRequire(join(HERE, 'page')).resolve('swagger-ui-dist/package.json'))
  } catch (error) {
    throw new ApiError(404, 'Swagger UI is not installed: build the server again', { cause: error })
  }
}

async function gunzip(): Promise<Readable & NodeJS.ReadWriteStream> {
  const { createGunzip } = await import('node:zlib')
  return createGunzip()
}

/** Whether `Accept-Encoding` names gzip, or anything, without forbidding it by `q=0`. */
function takesGzip(accepted: string | string[] | undefined): boolean {
  return String(accepted ?? '')
    .split(',')
    .some(coding => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding))
}
