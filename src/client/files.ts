// Uploads and downloads: the part of the API that only HTTP has. Runs in browsers and in Node.
import type { UploadReply } from '../api/files.ts'
import type { Infer } from '../schema/index.ts'
import { CallError, ConnectionLost } from './errors.ts'
import { type OnProgress, sendForm, type UploadSource } from './upload-form.ts'

/** What may be said of an upload. */
export interface UploadOptions {
  /** The file's place below the root, with its name; folders are made. May be left out where the source has a name. */
  readonly path?: string
  /** `gcodes` where it is left out. */
  readonly root?: string
  /** Print it, or queue it where the server is configured so. */
  readonly print?: boolean
  /** The file's SHA-256, hexadecimal: the server refuses what came in otherwise (422). */
  readonly checksum?: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** What may be said of a download. */
export interface DownloadOptions {
  /** The first byte and, where it is not the last one, the last byte, from 0. */
  readonly range?: readonly [start: number, end?: number]
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** What the server says of a file that it has taken. */
export type Uploaded = Infer<typeof UploadReply>['result']

/** How the server is reached. */
export interface FilesOptions {
  /** `http://host:7125`, perhaps with a route prefix; null where the client is connected by a unix socket. */
  readonly base: string | null
  /** The headers that say who asks. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>
}

export class Files {
  readonly #options: FilesOptions

  constructor(options: FilesOptions) {
    this.#options = options
  }

  /** The address of a file. Credentials are not in it; browsers can show images without. Throws over a unix socket. */
  url(root: string, path: string): string {
    return this.#address(
      [root, ...path.split('/').filter(part => part !== '')].map(encodeURIComponent).join('/'),
    )
  }

  /**
   * Uploads a file. Rejects with CallError where the server refuses it, ConnectionLost where it cannot be reached,
   * and the signal's reason when it aborts.
   */
  async upload(source: UploadSource, options: UploadOptions = {}): Promise<Uploaded> {
    const { path = nameOf(source), root, print, checksum, onProgress, signal } = options
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (name === '') throw new TypeError("an upload needs a name: give it as the option 'path'")
    const fields = {
      ...(root !== undefined && { root }),
      ...(slash > 0 && { path: path.slice(0, slash) }),
      ...(print !== undefined && { print: String(print) }),
      ...(checksum !== undefined && { checksum }),
    }
    const address = this.#address('upload')
    const headers = await this.#options.headers()
    const { status, text } = await this.#reach(address, signal, () =>
      sendForm({ address, headers, fields, name, source, onProgress, signal }),
    )
    if (status !== 201) throw refusal('POST /server/files/upload', status, text)
    const reply = JSON.parse(text) as Uploaded & { readonly result?: Uploaded }
    // Other servers of this API answer without `result`.
    return reply.result ?? reply
  }

  /**
   * Downloads a file: a Response, whose `body` is a stream, and which has `blob()`, `text()` and the headers.
   * Rejects as `upload` does.
   */
  async download(root: string, path: string, options: DownloadOptions = {}): Promise<Response> {
    const { range, onProgress, signal } = options
    const address = this.url(root, path)
    const headers = {
      ...(await this.#options.headers()),
      ...(range && { Range: `bytes=${range[0]}-${range[1] ?? ''}` }),
    }
    const response = await this.#reach(address, signal, () =>
      fetch(address, { headers, ...(signal && { signal }) }),
    )
    if (!response.ok) throw refusal('GET /server/files', response.status, await response.text())
    return onProgress === undefined ? response : counted(response, onProgress)
  }

  #address(path: string): string {
    const { base } = this.#options
    if (base === null) {
      throw new Error('files go over HTTP only: connect with ws:// or http:// instead of a unix socket')
    }
    return `${base}/server/files/${path}`
  }

  async #reach<T>(address: string, signal: AbortSignal | undefined, send: () => Promise<T>): Promise<T> {
    try {
      return await send()
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      const why =
        error instanceof Error ? `: ${(error.cause instanceof Error ? error.cause : error).message}` : ''
      throw new ConnectionLost(`no answer from ${address}${why}`, { cause: error })
    }
  }
}

function nameOf(source: UploadSource): string {
  return typeof File === 'function' && source instanceof File ? source.name : ''
}

/** The server's own words, or the status where something before it answered. */
function refusal(method: string, status: number, text: string): CallError {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } }
    if (error?.message !== undefined) return new CallError(method, status, error.message)
  } catch {
    // A proxy's own page: the status says what there is to say.
  }
  return new CallError(method, status, `HTTP status ${status}`)
}

function counted(response: Response, onProgress: OnProgress): Response {
  if (response.body === null) return response
  const length = response.headers.get('content-length')
  const total = length === null ? undefined : Number(length)
  let bytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      onProgress(bytes, total)
      controller.enqueue(chunk)
    },
  })
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(counter), { status, statusText, headers })
}
