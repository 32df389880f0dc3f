// Sends a file, in a multipart form or as the whole body: with XMLHttpRequest in browsers, where only that reports
// progress, and as a stream elsewhere.

/** Called with the bytes sent so far and, if known, their total. */
export type OnProgress = (bytes: number, total: number | undefined) => void

/** What can be uploaded. In Node, `openAsBlob` of node:fs gives a file on the disk without reading it. */
export type UploadSource =
  | Blob
  | string
  | ArrayBuffer
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array<ArrayBuffer>>
  | AsyncIterable<Uint8Array<ArrayBuffer>>

/** The form around a file. */
interface Form {
  readonly fields: Readonly<Record<string, string>>
  /** The file's name. */
  readonly name: string
}

/** One file to send. */
export interface UploadRequest {
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
  /** For a POST; null for a PUT of the file alone. */
  readonly form: Form | null
  readonly source: UploadSource
  readonly onProgress: OnProgress | undefined
  readonly signal: AbortSignal | undefined
}

/** The reply. */
export interface SentReply {
  readonly status: number
  readonly statusText: string
  readonly text: string
}

/** The used part of the browsers' XMLHttpRequest. */
interface Xhr {
  readonly status: number
  readonly statusText: string
  readonly responseText: string
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
  open(verb: string, address: string): void
  setRequestHeader(name: string, value: string): void
  send(body: FormData | Blob): void
  abort(): void
}

/** Sends the file. Rejects without a reply. */
export function sendUpload(request: UploadRequest): Promise<SentReply> {
  const { XMLHttpRequest } = globalThis as { XMLHttpRequest?: new () => Xhr }
  return XMLHttpRequest === undefined ? sendByFetch(request) : sendByXhr(request, new XMLHttpRequest())
}

async function sendByXhr(request: UploadRequest, xhr: Xhr): Promise<SentReply> {
  const { address, headers, form, source, onProgress, signal } = request
  const blob = await blobOf(source)
  return new Promise((resolve, reject) => {
    xhr.open(verbOf(request), address)
    for (const [header, value] of Object.entries(headers)) xhr.setRequestHeader(header, value)
    xhr.onload = () => resolve({ status: xhr.status, statusText: xhr.statusText, text: xhr.responseText })
    xhr.onerror = () => reject(new Error('the browser could not send it'))
    xhr.onabort = () => reject(signal?.reason)
    // A listener causes a CORS preflight, so there is one only if the caller wants progress. `loaded` includes the form.
    if (onProgress !== undefined)
      xhr.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, blob.size), blob.size)
    signal?.addEventListener('abort', () => xhr.abort())
    if (signal?.aborted) reject(signal.reason)
    else xhr.send(form === null ? blob : formData(form, blob))
  })
}

function verbOf({ form }: UploadRequest): string {
  return form === null ? 'PUT' : 'POST'
}

function formData({ fields, name }: Form, blob: Blob): FormData {
  const data = new FormData()
  for (const [field, text] of Object.entries(fields)) data.set(field, text)
  data.set('file', blob, name)
  return data
}

async function blobOf(source: UploadSource): Promise<Blob> {
  if (source instanceof Blob) return source
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for await (const chunk of chunksOf(source)) chunks.push(chunk)
  return new Blob(chunks)
}

async function sendByFetch(request: UploadRequest): Promise<SentReply> {
  const { address, headers, form, signal } = request
  const boundary = `moonraker-ts-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`
  const type = form === null ? 'application/octet-stream' : `multipart/form-data; boundary=${boundary}`
  const response = await fetch(address, {
    method: verbOf(request),
    headers: { ...headers, 'Content-Type': type },
    body: streamOf(form === null ? piecesOf(request) : formOf(form, boundary, piecesOf(request))),
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit)
  const { status, statusText } = response
  return { status, statusText, text: await response.text() }
}

/** Bytes between reports of progress. */
const PIECE = 256 * 1024

type Pieces = AsyncGenerator<Uint8Array<ArrayBuffer>>

async function* formOf({ fields, name }: Form, boundary: string, file: Pieces): Pieces {
  const encoder = new TextEncoder()
  let head = ''
  for (const [field, text] of Object.entries(fields)) {
    head += `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${text}\r\n`
  }
  head += `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escaped(name)}"\r\n`
  yield encoder.encode(`${head}Content-Type: application/octet-stream\r\n\r\n`)
  yield* file
  yield encoder.encode(`\r\n--${boundary}--\r\n`)
}

/** The file, with reports of its progress. */
async function* piecesOf({ source, onProgress, signal }: UploadRequest): Pieces {
  const total = sizeOf(source)
  let bytes = 0
  for await (const chunk of chunksOf(source)) {
    for (let start = 0; start < chunk.length; start += PIECE) {
      const piece = chunk.subarray(start, start + PIECE)
      // A source that never waits would otherwise prevent an abort.
      signal?.throwIfAborted()
      yield piece
      bytes += piece.length
      onProgress?.(bytes, total)
    }
  }
}

/** Escapes a name as browsers do (HTML, "multipart/form-data"). */
function escaped(name: string): string {
  return name.replace(/["\r\n]/g, encodeURIComponent)
}

function sizeOf(source: UploadSource): number | undefined {
  if (typeof source === 'string') return new TextEncoder().encode(source).byteLength
  if (source instanceof Blob) return source.size
  return 'byteLength' in source ? source.byteLength : undefined
}

async function* chunksOf(source: UploadSource): Pieces {
  if (source instanceof Blob) yield* readerOf(source.stream())
  else if (source instanceof ReadableStream) yield* readerOf(source)
  else if (typeof source === 'string' || 'byteLength' in source) yield bytesOf(source)
  else yield* source
}

function bytesOf(source: string | ArrayBuffer | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (typeof source === 'string') return new TextEncoder().encode(source)
  return source instanceof ArrayBuffer ? new Uint8Array(source) : source
}

/** Not every browser can iterate over a stream. */
async function* readerOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Pieces {
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}

function streamOf(chunks: Pieces): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await chunks.next()
      if (next.done) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await chunks.return(undefined)
    },
  })
}
