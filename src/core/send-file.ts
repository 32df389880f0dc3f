// Sends a file as the response to an HTTP request: with ranges, conditional requests, and for a file that shrinks.
import { once } from 'node:events'
import { type FileHandle, open, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, dirname } from 'node:path'
import { pipeline, type Readable } from 'node:stream'
import { ApiError } from './errors.ts'

/** How a file is sent. */
export interface SentFile {
  /** On the disk, with links followed. */
  readonly path: string
  /** Its name in errors. */
  readonly shown: string
  /** Whether the response has an ETag of time and size; every response has Last-Modified. */
  readonly etag: boolean
  /** The name whose extension gives the type; by default the file's own. */
  readonly typeOf?: string
  /** Override those that follow from the file. */
  readonly headers: Readonly<Record<string, string>>
  /** For a file on a network disk: how its calls are queued. */
  readonly calls?: FileCalls | undefined
}

/** Runs the calls for one file. */
export interface FileCalls {
  run<T>(call: () => Promise<T>): Promise<T>
  close(file: FileHandle): Promise<void>
}

/**
 * Sends a file. Throws ApiError 404 for a missing file, 403 for a folder or another non-file, 412 for an If-Match or
 * If-Unmodified-Since that fails, 416 for a range beyond the end.
 */
export async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  { path, shown, etag, typeOf, headers, calls }: SentFile,
): Promise<void> {
  await (calls === undefined ? checkFile(path, shown) : calls.run(() => checkFile(path, shown)))
  const { default: send } = await import('@fastify/send')
  const options = { root: dirname(path), etag, dotfiles: 'allow', index: false, cacheControl: false } as const
  const find = () => send(req, `/${encodeURIComponent(basename(path))}`, options)
  const result = await (calls === undefined ? find() : calls.run(() => withoutStream(find)))
  if (result.statusCode === 416) {
    res.setHeader('Content-Range', result.headers['Content-Range'] ?? 'bytes */*')
    throw new ApiError(416, 'The range is beyond the end of the file')
  }
  if (result.statusCode === 412) throw new ApiError(412, `The file has changed meanwhile: ${shown}`)
  if (result.type !== 'file') throw missing(shown)
  res.setHeader('Content-Type', 'application/octet-stream')
  res.setHeader('X-Content-Type-Options', 'nosniff')
  const type = typeOf === undefined ? null : send.mime.getType(typeOf)
  const all = { ...result.headers, ...(type !== null && { 'Content-Type': withCharset(type) }), ...headers }
  for (const [name, value] of Object.entries(all)) res.setHeader(name, value)
  res.writeHead(result.statusCode)
  if (calls === undefined) pipe(result.stream, res)
  else pipeByCalls({ path, start: startOf(res), calls }, res)
}

/** Closes the stream of a result: it reads ahead, and is not queued. */
async function withoutStream<T extends { readonly stream: Readable }>(find: () => Promise<T>): Promise<T> {
  const result = await find()
  const closed = once(result.stream, 'close')
  result.stream.on('error', () => undefined).destroy()
  await closed
  return result
}

function startOf(res: ServerResponse): number {
  return Number(/^bytes (\d+)-/.exec(res.getHeader('Content-Range')?.toString() ?? '')?.[1] ?? 0)
}

function withCharset(type: string): string {
  return /^text\/|^application\/(javascript|json|manifest\+json)$/.test(type)
    ? `${type}; charset=utf-8`
    : type
}

/** To open a pipe or a device would wait for a writer. */
async function checkFile(path: string, shown: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw missing(shown)
  if (!found.isFile()) throw new ApiError(403, `Only files can be downloaded, not a regular file: ${shown}`)
}

function missing(shown: string): ApiError {
  return new ApiError(404, `File does not exist: ${shown}`)
}

/** Sends the file; when the file or the client fails, the other is closed. */
function pipe(stream: Readable, res: ServerResponse): void {
  const expected = res.req.method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? 0)
  // Without a body, or after the client has disconnected, the file is not needed: not even its errors matter.
  if (expected === 0 || res.destroyed) {
    stream.on('error', () => undefined).destroy()
    res.end()
    return
  }
  let sent = 0
  stream.on('data', chunk => {
    sent += chunk.length
  })
  // A log that was rotated meanwhile is shorter than Content-Length: the client must not wait for the rest.
  stream.on('end', () => {
    if (sent < expected) res.destroy()
  })
  pipeline(stream, res, () => undefined)
}

/** Bytes of one read. */
const CHUNK = 64 * 1024

/** A part of a file that is read in calls. */
interface ReadPart {
  readonly path: string
  readonly start: number
  readonly calls: FileCalls
}

function pipeByCalls(part: ReadPart, res: ServerResponse): void {
  const length = res.req.method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? 0)
  if (length === 0 || res.destroyed) res.end()
  else pipeline(readByCalls(part, length), res, () => undefined)
}

/** Ends with an error where the file is shorter than `length`. */
async function* readByCalls({ path, start, calls }: ReadPart, length: number): AsyncGenerator<Buffer> {
  const file = await calls.run(() => open(path))
  try {
    for (let left = length; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(left, CHUNK))
      const position = start + length - left
      const { bytesRead } = await calls.run(() => file.read(buffer, 0, buffer.length, position))
      if (bytesRead === 0) throw new Error('The file is shorter than before')
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await calls.close(file)
  }
}
