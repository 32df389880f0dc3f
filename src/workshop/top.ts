// What the top of the shared listener offers in addition to the API of the main printer: the list of printers, their
// pictures, the page or a front-end.

import type { WorkshopReload } from '../api/workshop.ts'
import { workshop as chapter } from '../api/workshop.ts'
import { serveDocuments } from '../components/api-docs/serve.ts'
import { type Site, sendSite } from '../components/frontend/static-site.ts'
import { ApiError } from '../core/errors.ts'
import { type FindPageFile, pagePolicy, sendPageFile } from '../core/page-files.ts'
import type { PageSettings } from '../pages/printers/settings.ts'
import type { Caller } from '../rpc/caller.ts'
import { type RawRequest, Registry } from '../rpc/registry.ts'
import type { Infer } from '../schema/index.ts'
import type { PrinterEntry } from './slot.ts'

/** What the registry is made from. */
export interface TopParts {
  /** The program's, for the documents of the API. */
  readonly version: string
  readonly title: () => string
  readonly files: FindPageFile
  /** The entries that a caller may see. */
  readonly list: (caller: Caller) => PrinterEntry[]
  readonly reload: () => Promise<Infer<typeof WorkshopReload>>
  /** A JPEG of a printer. Rejects with ApiError. */
  readonly picture: (name: string, caller: Caller) => Promise<Buffer>
  /** Answers with the metrics of all printers. Rejects with ApiError. */
  readonly metrics: (request: RawRequest) => Promise<void>
  /** The front-end at /; null for the page. */
  readonly site: () => Site | null
  readonly onError: (method: string, error: unknown) => void
}

/** The registry of the top; `base` is that of the main printer, left out while that one does not run. */
export function topRegistry(parts: TopParts, base?: Registry): Registry {
  const registry = new Registry({ onError: parts.onError, ...(base !== undefined && { base }) })
  registry.serve(chapter, {
    'workshop.printers': (_params, caller) => parts.list(caller),
    'workshop.reload': () => parts.reload(),
  })
  registry.serveRaw({
    verbs: ['GET', 'HEAD'],
    path: '/workshop/printers/',
    role: 'viewer',
    handle: request => sendPicture(parts, request),
  })
  const pages = { verbs: ['GET', 'HEAD'], open: () => true }
  registry.serveRaw({ ...pages, path: '/metrics', handle: parts.metrics })
  registry.serveRaw({
    ...pages,
    path: '/workshop/',
    handle: request => sendPage(parts, request),
  })
  registry.serveRaw({ ...pages, path: '/workshop', handle: redirectToPage })
  const handleTop = (request: RawRequest) => {
    const site = parts.site()
    return site === null ? redirectToPage(request) : sendSite(site, request)
  }
  registry.serveRaw({ ...pages, path: '/', handle: handleTop })
  // With the main printer its own documents are those of everything here.
  if (base === undefined) serveDocuments(registry, parts.version)
  if (parts.site() !== null || base === undefined) registry.serveRest({ ...pages, handle: handleRest(parts) })
  return registry
}

function handleRest({ site }: TopParts): (request: RawRequest) => Promise<void> | void {
  return request => {
    const served = site()
    if (served === null)
      throw new ApiError(503, 'The main printer does not run; /workshop/printers shows why')
    return sendSite(served, request)
  }
}

/** Pictures of cameras are `blob:`. */
const POLICY = pagePolicy('data: blob:')

/** The page of all printers: it contains nothing of them. */
async function sendPage({ title, files }: TopParts, request: RawRequest): Promise<void> {
  const { res, rest, sendJson } = request
  if (rest === 'settings.json') {
    const settings: PageSettings = { title: title(), source: 'workshop' }
    res.setHeader('Cache-Control', 'no-cache')
    return sendJson(settings)
  }
  if (rest.endsWith('.html')) throw new ApiError(404, 'Not Found')
  return sendPageFile(request, rest === '' ? 'printers.html' : rest, { find: files, policy: POLICY })
}

/** A relative address: a proxy's prefix need not be known. */
function redirectToPage({ res }: RawRequest): void {
  res.writeHead(302, { Location: './workshop/', 'Cache-Control': 'no-cache' }).end()
}

async function sendPicture({ picture }: TopParts, { req, res, rest, caller }: RawRequest): Promise<void> {
  const name = /^([^/]+)\/picture$/.exec(rest)?.[1]
  if (name === undefined) throw new ApiError(404, 'Not Found')
  const bytes = await picture(name, caller)
  res.writeHead(200, {
    'Content-Type': 'image/jpeg',
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(req.method === 'HEAD' ? undefined : bytes)
}
