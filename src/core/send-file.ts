// A file as the answer to an HTTP request: ranges, conditional requests, and an end where the file was cut meanwhile.
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, dirname } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { ApiError } from './errors.ts'

/** How a file is sent. */
export interface SentFile {
  /** On the disk, with links followed. */
  readonly path: string
  /** What it is called in errors. */
  readonly shown: string
  /** Whether the answer carries an ETag of time and size; all carry Last-Modified. */
  readonly etag: boolean
  /** The name whose ending tells the type, where that is not the file's own. */
  readonly typeOf?: string
  /** Come before what the file's name and state say. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Sends a file. Throws ApiError 404 where there is none, 403 for a folder and what else is no file, 412 for an
 * If-Match or If-Unmodified-Since that does not hold, 416 for a range that it does not have.
 */
export async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  { path, shown, etag, typeOf, headers }: SentFile,
): Promise<void> {
  await checkFile(path, shown)
  const { default: send } = await import('@fastify/send')
  const options = { root: dirname(path), etag, dotfiles: 'allow', index: false, cacheControl: false } as const
  const result = await send(req, `/${encodeURIComponent(basename(path))}`, options)
  if (result.statusCode === 416) {
    res.setHeader('Content-Range', result.headers['Content-Range'] ?? 'bytes */*')
    throw new ApiError(416, 'The range lies beyond the end of the file')
  }
  if (result.statusCode === 412) throw new ApiError(412, `The file has changed meanwhile: ${shown}`)
  if (result.type !== 'file') throw notThere(shown)
  res.setHeader('Content-Type', 'application/octet-stream')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  const type = typeOf === undefined ? null : send.mime.getType(typeOf)
  const all = { ...result.headers, ...(type !== null && { 'Content-Type': withCharset(type) }), ...headers }
  for (const [name, value] of Object.entries(all)) res.setHeader(name, value)
  res.writeHead(result.statusCode)
  passOn(result.stream, res)
}

function withCharset(type: string): string {
  return /^text\/|^application\/(javascript|json|manifest\+json)$/.test(type)
    ? `${type}; charset=utf-8`
    : type
}

/** Opening a pipe or a device would wait for somebody to write into it. */
async function checkFile(path: string, shown: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw notThere(shown)
  if (!found.isFile()) throw new ApiError(403, `Only files can be downloaded, this is none: ${shown}`)
}

function notThere(shown: string): ApiError {
  return new ApiError(404, `File does not exist: ${shown}`)
}

/** Whoever breaks off first takes the other along. */
function passOn(stream: Readable, res: ServerResponse): void {
  const announced = res.req.method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? 0)
  // A client may be gone before its file was found: nobody would close that then. Nor does it matter any more that the
  // file cannot be opened.
  if (announced === 0 || res.destroyed) {
    stream.on('error', () => undefined).destroy()
    res.end()
    return
  }
  let sent = 0
  stream.on('data', chunk => {
    sent += chunk.length
  })
  // A log that was begun anew meanwhile is shorter than was announced: the client must not wait for the rest.
  stream.on('end', () => {
    if (sent < announced) res.destroy()
  })
  pipeline(stream, res, () => undefined)
}
