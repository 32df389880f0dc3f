// The files of the server's own pages: where they are, and how they are sent.
import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { ApiError } from './errors.ts'

/** This folder, or that of the bundle (scripts/build.mjs). */
const HERE = import.meta.dirname

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=UTF-8',
  '.css': 'text/css; charset=UTF-8',
  '.js': 'text/javascript; charset=UTF-8',
}

/** A file of a page. */
export interface PageFile {
  readonly gzipped: boolean
  readonly size: number
  /** Changes with the file. Weak, since it is the same for the gzipped and the plain form. */
  readonly tag: string
  open(): Readable
}

/** The request of a page, and where its reply goes. */
export interface PageRequest {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** A file on the disk; undefined if it does not exist. */
export async function fileAt(path: string, gzipped: boolean): Promise<PageFile | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isFile()) return undefined
  const { size, mtimeMs } = found
  const tag = `W/"${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"`
  return { gzipped, size, tag, open: () => createReadStream(path) }
}

/** Finds a file of the pages in src/pages by its name, such as `dashboard.html`; undefined if it does not exist. */
export type FindPageFile = (name: string) => Promise<PageFile | undefined>

/**
 * The files of the pages in src/pages. A build has them on the disk, and nothing is kept in memory; a server that is run
 * from its source bundles them at the first request.
 */
export function pageFiles(): FindPageFile {
  if (!HERE.endsWith(join('src', 'core'))) return name => fileAt(join(HERE, 'pages', `${name}.gz`), true)
  let bundled: ReturnType<typeof bundleFromSource> | undefined
  return async name => {
    bundled ??= bundleFromSource()
    return (await bundled).get(name)
  }
}

async function bundleFromSource(): Promise<ReadonlyMap<string, PageFile>> {
  const script = pathToFileURL(join(HERE, '../../scripts/pages.mjs')).href
  const { bundlePages } = (await import(script)) as {
    bundlePages: () => Promise<{ files: Map<string, Buffer> }>
  }
  const bundled = await bundlePages()
  const files = [...bundled.files].map(([name, content]): [string, PageFile] => {
    const tag = `W/"${hash('sha1', content, 'base64url')}"`
    return [name, { gzipped: false, size: content.length, tag, open: () => Readable.from([content]) }]
  })
  return new Map(files)
}

/**
 * The Content-Security-Policy of a page: nothing runs but its own files, so that a text of a printer or a file runs nothing,
 * and nothing leads elsewhere. `pictures` are the sources of its pictures, as `data: blob:`.
 */
export function pagePolicy(pictures: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${pictures}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/**
 * Answers a request with a file. `policy` is the Content-Security-Policy. Throws ApiError 404 for a name that no file of a
 * page can have.
 */
export async function sendPageFile(
  { req, res }: PageRequest,
  name: string,
  { find, policy }: { readonly find: FindPageFile; readonly policy: string },
): Promise<void> {
  const type = TYPES[extname(name)]
  // The name cannot lead out of a folder.
  const file = type !== undefined && /^[\w-]+\.[a-z]+$/.test(name) ? await find(name) : undefined
  if (type === undefined || file === undefined) throw new ApiError(404, 'Not Found')
  res.setHeader('Content-Type', type)
  res.setHeader('Content-Security-Policy', policy)
  res.setHeader('X-Content-Type-Options', 'nosniff')
  res.setHeader('Referrer-Policy', 'no-referrer')
  res.setHeader('Cache-Control', 'no-cache')
  res.setHeader('Vary', 'Accept-Encoding')
  res.setHeader('ETag', file.tag)
  if (req.headers['if-none-match'] === file.tag) return void res.writeHead(304).end()
  const asStored = !file.gzipped || acceptsGzip(req.headers['accept-encoding'])
  if (file.gzipped && asStored) res.setHeader('Content-Encoding', 'gzip')
  if (asStored) res.setHeader('Content-Length', file.size)
  if (req.method === 'HEAD') return void res.end()
  const done = asStored ? pipeline(file.open(), res) : pipeline(file.open(), await gunzip(), res)
  // Either the client has left, or the rest cannot be read, which it notices by the broken connection.
  await done.catch(() => res.destroy())
}

async function gunzip(): Promise<Readable & NodeJS.ReadWriteStream> {
  const { createGunzip } = await import('node:zlib')
  return createGunzip()
}

/** Whether `Accept-Encoding` names gzip, or anything, without forbidding it by `q=0`. */
function acceptsGzip(accepted: string | string[] | undefined): boolean {
  return String(accepted ?? '')
    .split(',')
    .some(coding => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding))
}

/** Redirects a request for a folder without its last slash: the addresses in a page count from its folder. */
export function redirectToFolder({ req, res }: PageRequest): void {
  const [path = ''] = (req.url ?? '').split('?', 1)
  const last = path.slice(path.lastIndexOf('/') + 1)
  const query = (req.url ?? '').slice(path.length)
  // A relative address, so that no name of a host can be in it.
  res.writeHead(308, { Location: `./${last}/${query}` }).end()
}
