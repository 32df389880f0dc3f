// Downloads: ranges and conditional requests, as attachments that no browser runs (security.md).
import { stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { basename, dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import type { Place } from './roots.ts'

/** What clients show as text though the type is in no list; rotated logs have a number or a date behind the name. */
const TEXT = /\.(gcode|g|gco|nc|cfg|conf|log|txt|ini|bkp)(\.[\d-]+)?$/i

/** Nothing runs and nothing is fetched, should a browser show the file after all; pictures (SVG) keep their own style. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

/**
 * Sends the file at `place`; `relative` is what it is called. Throws ApiError 404 where there is none, 403 for a folder
 * and what else is no file, 416 for a range that it does not have.
 */
export async function sendFile(
  { req, res }: RawRequest,
  { real, relative }: Pick<Place, 'real' | 'relative'>,
): Promise<void> {
  await checkFile(real, relative)
  const { default: send } = await import('@fastify/send')
  const options = {
    root: dirname(real),
    etag: false,
    dotfiles: 'allow',
    index: false,
    cacheControl: false,
  } as const
  const result = await send(req, `/${encodeURIComponent(basename(real))}`, options)
  if (result.statusCode === 416) {
    res.setHeader('Content-Range', result.headers['Content-Range'] ?? 'bytes */*')
    throw new ApiError(416, 'The range lies beyond the end of the file')
  }
  if (result.type !== 'file') throw notThere(relative)
  res.setHeader('Content-Type', 'application/octet-stream')
  for (const [name, value] of Object.entries(result.headers)) res.setHeader(name, value)
  if (TEXT.test(relative)) res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.setHeader('Content-Disposition', contentDisposition(basename(relative)))
  res.setHeader('Content-Security-Policy', POLICY)
  res.setHeader('X-Content-Type-Options', 'nosniff')
  // Clients ask with a new query for what has changed; the others must not show an old file.
  res.setHeader('Cache-Control', 'no-cache')
  res.writeHead(result.statusCode)
  passOn(result.stream, res)
}

/** Opening a pipe or a device would wait for somebody to write into it. */
async function checkFile(real: string, relative: string): Promise<void> {
  const found = await stat(real).catch(() => undefined)
  if (found === undefined) throw notThere(relative)
  if (!found.isFile()) throw new ApiError(403, `Only files can be downloaded, this is none: ${relative}`)
}

function notThere(relative: string): ApiError {
  return new ApiError(404, `File does not exist: ${relative}`)
}

function passOn(stream: Readable, res: ServerResponse): void {
  const announced = res.req.method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? 0)
  let sent = 0
  stream.on('data', chunk => {
    sent += chunk.length
  })
  // A log that was begun anew meanwhile is shorter than was announced: the client must not wait for the rest.
  stream.on('end', () => {
    if (sent < announced) res.destroy()
  })
  stream.on('error', () => res.destroy())
  res.on('close', () => stream.destroy())
  stream.pipe(res)
}

/** The name for old and for new readers (RFC 6266, section 4.1). */
function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\]/g, '\\$&')
  const encoded = encodeURIComponent(name).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
