// Downloads a file: in bounded memory, resumed after an interruption, checked, and durable before it has its name.
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type DownloadState, readState, removeState, writeState } from './download-state.ts'
import { type HttpClient, HttpClientError, type HttpStream } from './http-client.ts'
import type { HttpRequestHead } from './http-request.ts'
import { makeDurable } from './make-durable.ts'

/** A download and its limits. */
export interface DownloadRequest extends Omit<HttpRequestHead, 'method' | 'body'> {
  /**
   * The path of the complete file; replaces an existing one atomically. Until then the bytes are in `FILE.part` and their
   * state in `FILE.part.json`: a later download to the same path resumes there.
   */
  readonly file: string
  readonly maxBytes: number
  /** The size that the file must have, if known. */
  readonly expectedBytes?: number
  /** The digest that the file must have, in hexadecimal. */
  readonly checksum?: { readonly algorithm: 'sha256' | 'sha512'; readonly digest: string }
  /** Seconds until a response; 30 by default. */
  readonly timeoutSeconds?: number
  /** The longest time without progress; 60 by default. */
  readonly idleSeconds?: number
  /** The longest time for everything; an hour by default. */
  readonly totalSeconds?: number
  /** Seconds before a broken connection is opened again; 1 by default. */
  readonly retrySeconds?: number
  /** Called for each part that arrives. `total` is null if the server does not send the size. */
  readonly onProgress?: (bytes: number, total: number | null) => void
}

/** A complete download. */
export interface Download {
  readonly bytes: number
  /** The final URL after redirects, without user and password. */
  readonly url: string
  readonly contentType: string | null
}

/** Why a file could not be downloaded, for the user. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError'
  /** The status of the response; null for other failures. */
  readonly status: number | null
  /** The time that the server named in Retry-After; null without one. */
  readonly retryAfterSeconds: number | null

  constructor(
    message: string,
    {
      status = null,
      retryAfterSeconds = null,
      ...options
    }: ErrorOptions & { status?: number | null; retryAfterSeconds?: number | null } = {},
  ) {
    super(message, options)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const TIMEOUT_SECONDS = 30
const IDLE_SECONDS = 60
const TOTAL_SECONDS = 3600
const RETRY_SECONDS = 1
/** Connections for one download. */
const MAX_CONNECTIONS = 20
/** Connections in a row that may break without a new byte. */
const MAX_FAILURES = 3
/** Bytes between two points from which a download can be resumed after a power loss. */
const SYNC_BYTES = 8 * 1024 * 1024
/** Bytes that stay free on the disk. */
const KEPT_FREE = 16 * 1024 * 1024

/**
 * Downloads a file. A connection that breaks is opened again where it stopped. Rejects with DownloadError, with
 * HttpClientError, with the error of the file system, or with the reason of `signal`; the file in place is untouched
 * then. After an interruption the part stays for the next call; a part that is wrong, or fills the disk, is removed.
 */
export async function download(client: HttpClient, request: DownloadRequest): Promise<Download> {
  const { file, totalSeconds = TOTAL_SECONDS } = request
  const part = `${file}.part`
  const late = AbortSignal.timeout(totalSeconds * 1000)
  const signal = request.signal === undefined ? late : AbortSignal.any([request.signal, late])
  try {
    const result = await complete(client, { ...request, signal }, part)
    await rename(part, file)
    await makeDurable(dirname(file))
    await removeState(part)
    return result
  } catch (error) {
    if (isUseless(error)) await discard(part)
    request.signal?.throwIfAborted()
    if (late.aborted) throw new DownloadError(`the download did not end within ${totalSeconds} seconds`)
    throw error
  }
}

/** Removes what an interrupted download to `file` left. */
export function discardDownload(file: string): Promise<void> {
  return discard(`${file}.part`)
}

async function discard(part: string): Promise<void> {
  await removeState(part)
  await rm(part, { force: true })
}

/** Whether the part must be removed: it is the wrong file, or it fills the disk. */
function isUseless(error: unknown): boolean {
  const isWrong = error instanceof DownloadError && error.status === null
  return isWrong || (error as NodeJS.ErrnoException).code === 'ENOSPC'
}

/** Opens connections until the part is complete. */
async function complete(client: HttpClient, request: DownloadRequest, part: string): Promise<Download> {
  const bytesOnDisk = async () => (await readState(part, request.url))?.bytes ?? 0
  let failures = 0
  for (let connections = 1; ; connections += 1) {
    const before = await bytesOnDisk()
    try {
      return await receive(client, request, part)
    } catch (error) {
      // 416: the part does not fit the file of the server.
      if (error instanceof DownloadError && error.status === 416 && before > 0) await discard(part)
      else if (!(error instanceof HttpClientError)) throw error
      failures = (await bytesOnDisk()) > before ? 0 : failures + 1
      if (failures === MAX_FAILURES || connections === MAX_CONNECTIONS) throw error
    }
    await setTimeout((request.retrySeconds ?? RETRY_SECONDS) * 1000, undefined, { signal: request.signal })
  }
}

/** One response, and its bytes to the end of the file. Resolves when the part is complete, checked and durable. */
async function receive(client: HttpClient, request: DownloadRequest, part: string): Promise<Download> {
  const known = await readState(part, request.url)
  const response = await client.open({
    ...request,
    headers: { ...request.headers, 'Accept-Encoding': 'identity', ...resumeHeaders(known) },
    keepTls: request.keepTls ?? true,
    timeoutSeconds: request.timeoutSeconds ?? TIMEOUT_SECONDS,
    idleSeconds: request.idleSeconds ?? IDLE_SECONDS,
  })
  try {
    const start = startOf(response, known)
    const total = totalOf(response, start, request)
    await demandSpace(dirname(part), total === null ? null : total - start)
    const writer = await PartWriter.open(part, { start, total, response, request })
    try {
      for await (const bytes of response.body) await writer.write(bytes)
    } catch (error) {
      // The next connection resumes after the synced bytes.
      await writer.sync().catch(() => undefined)
      throw error
    } finally {
      await writer.close()
    }
    writer.check()
    return { bytes: writer.bytes, url: response.url, contentType: response.headers['content-type'] ?? null }
  } finally {
    response.close()
  }
}

function resumeHeaders(known: DownloadState | null): Record<string, string> {
  if (known === null || known.bytes === 0) return {}
  return { Range: `bytes=${known.bytes}-`, 'If-Range': known.validator }
}

/** The offset of the response's first byte in the file. Throws DownloadError for a response without the file. */
function startOf({ status, statusText, headers, url }: HttpStream, known: DownloadState | null): number {
  if (status === 200) return 0
  const first = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
  if (status === 206 && known !== null && Number(first) === known.bytes) return known.bytes
  const retryAfterSeconds = secondsOf(headers['retry-after'])
  throw new DownloadError(`${new URL(url).host}: ${status} ${statusText}`.trim(), {
    status,
    retryAfterSeconds,
  })
}

/** The number in a Retry-After header; dates are ignored. */
function secondsOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : null
}

/** The size of the file; null if the server does not send it. Throws DownloadError for a size that is not allowed. */
function totalOf({ headers }: HttpStream, start: number, request: DownloadRequest): number | null {
  const length = headers['content-length']
  const total = length === undefined ? null : start + Number(length)
  if (total !== null) demandSize(total, request)
  return total
}

function demandSize(total: number, { maxBytes, expectedBytes }: DownloadRequest): void {
  if (total > maxBytes) throw new DownloadError(`the file is larger than ${maxBytes} bytes`)
  if (expectedBytes !== undefined && total !== expectedBytes)
    throw new DownloadError(`the file has ${total} bytes, expected are ${expectedBytes}`)
}

async function demandSpace(folder: string, bytes: number | null): Promise<void> {
  if (bytes === null) return
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= bytes + KEPT_FREE) return
  throw new DownloadError(`the disk has not enough free space: ${bytes} bytes are needed`)
}

interface PartFacts {
  readonly start: number
  readonly total: number | null
  readonly response: HttpStream
  readonly request: DownloadRequest
}

/** Writes the part, and stores the point at which it can be resumed. */
class PartWriter {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #facts: PartFacts
  readonly #hash: Hash | null
  #bytes: number
  #synced: number

  private constructor(path: string, handle: FileHandle, hash: Hash | null, facts: PartFacts) {
    this.#path = path
    this.#handle = handle
    this.#hash = hash
    this.#facts = facts
    this.#bytes = facts.start
    this.#synced = facts.start
  }

  static async open(path: string, facts: PartFacts): Promise<PartWriter> {
    const { start, request } = facts
    const hash = request.checksum === undefined ? null : createHash(request.checksum.algorithm)
    // The bytes after the last sync are written again.
    const handle = await open(path, start === 0 ? 'w' : 'a')
    try {
      await handle.truncate(start)
      if (hash !== null && start > 0)
        for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer)
      const writer = new PartWriter(path, handle, hash, facts)
      await writer.#storeState()
      return writer
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The size of the part. */
  get bytes(): number {
    return this.#bytes
  }

  async write(bytes: Buffer): Promise<void> {
    const { request, total } = this.#facts
    if (this.#bytes + bytes.length > request.maxBytes)
      throw new DownloadError(`the file is larger than ${request.maxBytes} bytes`)
    await this.#handle.writeFile(bytes)
    this.#hash?.update(bytes)
    this.#bytes += bytes.length
    if (this.#bytes - this.#synced >= SYNC_BYTES) await this.sync()
    request.onProgress?.(this.#bytes, total)
  }

  /** Makes the written bytes durable: a download can be resumed here. */
  async sync(): Promise<void> {
    await this.#handle.datasync()
    this.#synced = this.#bytes
    await this.#storeState()
  }

  #storeState(): Promise<void> {
    return writeState(this.#path, this.#facts.request.url, this.#facts.response.headers, this.#synced)
  }

  async close(): Promise<void> {
    try {
      await this.#handle.sync()
    } finally {
      await this.#handle.close()
    }
  }

  /** Throws DownloadError if the complete part has the wrong size or checksum. */
  check(): void {
    const { request } = this.#facts
    demandSize(this.#bytes, request)
    const digest = this.#hash?.digest('hex')
    if (digest === undefined || digest === request.checksum?.digest.toLowerCase()) return
    throw new DownloadError(`the checksum of the file is ${digest}, expected is ${request.checksum?.digest}`)
  }
}
