// Multipart bodies as clients write them, and as they should not.
import { type Reply, sendRequest } from '../../support/raw-http.ts'

export const BOUNDARY = 'form-boundary-7MA4YWxk'
/** The content type of a form with that boundary. */
export const TYPE = `multipart/form-data; boundary=${BOUNDARY}`

/** A part: a text field, or a file if it has a `filename`. `disposition` replaces the whole value of that header. */
export interface Part {
  readonly name?: string
  readonly filename?: string
  readonly disposition?: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

/** The body of a form. */
export function formBody(parts: readonly Part[], boundary = BOUNDARY): Buffer {
  const pieces = parts.flatMap(({ name = 'file', filename, disposition, headers = [], body = '' }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`
    const head = [`Content-Disposition: ${disposition ?? `form-data; name="${name}"${file}`}`, ...headers]
    return [
      Buffer.from(`--${boundary}\r\n${head.join('\r\n')}\r\n\r\n`),
      Buffer.from(body),
      Buffer.from('\r\n'),
    ]
  })
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
}

/** Sends a body as a form. */
export function postForm(port: number, body: Buffer, type = TYPE): Promise<Reply> {
  return sendRequest(port, '/server/files/upload', { verb: 'POST', headers: { 'Content-Type': type }, body })
}

/** Uploads a file with further fields. */
export function upload(
  port: number,
  filename: string,
  body: string | Buffer,
  fields: Record<string, string> = {},
): Promise<Reply> {
  const texts = Object.entries(fields).map(([name, text]) => ({ name, body: text }))
  return postForm(port, formBody([...texts, { filename, body }]))
}
