// Uploads and downloads: the part of the API that only HTTP has. Runs in browsers and in Node.
import type { UploadReply } from '../api/files.ts'
import type { Infer } from '../schema/index.ts'
import { reach, refusal } from './http-errors.ts'
import { type OnProgress, sendUpload, type UploadSource } from './send-upload.ts'

/** Options of an upload. */
export interface UploadOptions {
  /** The file's path below the root; missing folders are created. May be left out if the source has a name. */
  readonly path?: string
  /** `gcodes` if left out. */
  readonly root?: string
  /** Print it, or add it to the job queue if the server is configured so. */
  readonly print?: boolean
  /** With `print`: the reply has `print_warnings`, what of the file does not fit the printer. */
  readonly warnings?: boolean
  /** The file's SHA-256, hexadecimal. The server rejects a file with another one (422). */
  readonly checksum?: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** Options of a download. */
export interface DownloadOptions {
  /** The first and the last byte, from 0; without the second, to the end of the file. */
  readonly range?: readonly [start: number, end?: number]
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** The server's reply to an upload. */
export type Uploaded = Infer<typeof UploadReply>['result']

/** How to reach the server. */
export interface FilesOptions {
  /** `http://host:7125`, possibly with a route prefix; null if the client uses a unix socket. */
  readonly base: string | null
  /** The headers with the credentials. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>
}

export class Files {
  readonly #options: FilesOptions

  constructor(options: FilesOptions) {
    this.#options = options
  }

  /** The URL of a file, without credentials: browsers can show images without them. Throws over a unix socket. */
  url(root: string, path: string): string {
    return this.#address(
      [root, ...path.split('/').filter(part => part !== '')].map(encodeURIComponent).join('/'),
    )
  }

  /**
   * Uploads a file. Rejects with CallError if the server rejects it, ConnectionLost if it cannot be reached, and the
   * signal's reason if it aborts.
   */
  async upload(source: UploadSource, options: UploadOptions = {}): Promise<Uploaded> {
    const { path = nameOf(source), root, print, warnings, checksum, onProgress, signal } = options
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (name === '') throw new TypeError("an upload needs a name: pass the option 'path'")
    const fields = {
      ...(root !== undefined && { root }),
      ...(slash > 0 && { path: path.slice(0, slash) }),
      ...(print !== undefined && { print: String(print) }),
      ...(warnings !== undefined && { warnings: String(warnings) }),
      ...(checksum !== undefined && { checksum }),
    }
    const address = this.#address('upload')
    const headers = await this.#options.headers()
    const form = { fields, name }
    const reply = await reach(
      address,
      () => sendUpload({ address, headers, form, source, onProgress, signal }),
      signal,
    )
    if (reply.status !== 201) throw refusal('POST /server/files/upload', reply, reply.text)
    const uploaded = JSON.parse(reply.text) as Uploaded & { readonly result?: Uploaded }
    // Other servers of this API reply without `result`.
    return uploaded.result ?? uploaded
  }

  /**
   * Downloads a file as a Response, whose `body` is a stream. Rejects as `upload` does.
   */
  async download(root: string, path: string, options: DownloadOptions = {}): Promise<Response> {
    const { range, onProgress, signal } = options
    const address = this.url(root, path)
    const headers = {
      ...(await this.#options.headers()),
      ...(range && { Range: `bytes=${range[0]}-${range[1] ?? ''}` }),
    }
    const response = await reach(
      address,
      () => fetch(address, { headers, ...(signal && { signal }) }),
      signal,
    )
    if (!response.ok) throw refusal('GET /server/files', response, await response.text())
    return onProgress === undefined ? response : counted(response, onProgress)
  }

  #address(path: string): string {
    const { base } = this.#options
    if (base === null) {
      throw new Error(
        'files are transferred over HTTP only: connect with ws:// or http:// instead of a unix socket',
      )
    }
    return `${base}/server/files/${path}`
  }
}

/** The name of a file; empty for other sources. */
export function nameOf(source: UploadSource): string {
  return typeof File === 'function' && source instanceof File ? source.name : ''
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
