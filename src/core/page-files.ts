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
  '.json': 'application/json',
  '.webp': 'image/webp',
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

/** What the build makes of files for browsers: where it puts them, and the function that makes them. */
interface Bundle {
  /** The folder next to server.cjs. */
  readonly folder: string
  /** The module in scripts, and the name of its function, which returns the files by their names. */
  readonly script: string
  readonly make: string
}

/** The files of the pages in src/pages. */
export function pageFiles(): FindPageFile {
  return filesOf({ folder: 'pages', script: 'pages.mjs', make: 'bundlePages' })
}

/** The files of the documents as a site, as `install.html` and `generated/methods.html`. */
export function guideFiles(): FindPageFile {
  return filesOf({ folder: 'guide', script: 'docs-site.mjs', make: 'servedGuide' })
}

/**
 * Finds the files of a bundle. A build has them on the disk, gzipped except for pictures, and nothing is kept in memory; a
 * server that is run from its source makes them at the first request.
 */
function filesOf(bundle: Bundle): FindPageFile {
  if (!HERE.endsWith(join('src', 'core'))) {
    const at = (name: string) => join(HERE, bundle.folder, name)
    return async name => (await fileAt(at(`${name}.gz`), true)) ?? fileAt(at(name), false)
  }
  let made: ReturnType<typeof makeFromSource> | undefined
  return async name => {
    made ??= makeFromSource(bundle)
    return (await made).get(name)
  }
}

async function makeFromSource({ script, make }: Bundle): Promise<ReadonlyMap<string, PageFile>> {
  const url = pathToFileURL(join(HERE, '../../scripts', script)).href
  const module = (await import(url)) as Readonly<
    Record<string, () => Promise<{ files: Map<string, Buffer> }>>
  >
  const made = await module[make]!()
  const files = [...made.files].map(([name, content]): [string, PageFile] => {
    const tag = `W/"${hash('sha1', content, 'base64url')}"`
    return [name, { gzipped: false, size: content.length, tag, open: () => Readable.from([content]) }]
  })
  return new Map(files)
}

/**
 * The Content-Security-Policy of a page: nothing runs but its own files, so that a text of a printer or a file runs nothing,
 * and nothing leads elsewhere. `pictures` are the sources of its pictures, as `data: blob:`, `media` those of its videos.
 */
export function pagePolicy(pictures: string, media = "'none'"): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${pictures}`,
    `media-src ${media}`,
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
  // The name cannot lead out of the folder of the files; they may be one folder deeper.
  const file = type !== undefined && /^(?:[\w-]+\/)?[\w-]+\.[a-z]+$/.test(name) ? await find(name) : undefined
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
