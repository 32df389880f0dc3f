// HTTP requests as they are written, without a client that would correct them.
import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

/** A reply with its whole body. */
export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  // biome-ignore lint/suspicious/noExplicitAny: replies are looked at field by field
  readonly json: any
}

/** What to send. */
export interface Request {
  readonly verb?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
  /** The address to send from, such as 127.0.0.2. */
  readonly from?: string
}

/** Sends one request on a connection of its own. `path` goes out as it is. */
export async function sendRequest(
  port: number,
  path: string,
  { verb, headers, body, from }: Request = {},
): Promise<Reply> {
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const req = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    method: verb ?? 'GET',
    headers: { ...length, ...headers },
    agent: false,
    ...(from !== undefined && { localAddress: from }),
  })
  // Before the reply an error rejects `once`; after it the server has closed without reading the rest of the body.
  req.on('error', () => {})
  req.end(body)
  const [res] = await once(req, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const isJson = /json/.test(res.headers['content-type'] ?? '')
  return {
    status: res.statusCode,
    reason: res.statusMessage,
    headers: res.headers,
    body: text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  }
}

/** Sends JSON. */
export function postJson(port: number, path: string, value: unknown): Promise<Reply> {
  const headers = { 'Content-Type': 'application/json' }
  return sendRequest(port, path, { verb: 'POST', headers, body: JSON.stringify(value) })
}

/** Sends bytes as they are and resolves with all that comes back until the server hangs up. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.write(bytes)
  await once(socket, 'close')
  return text
}
