// One recorded HTTP request, sent again, and its reply compared with what was recorded.
import { type IncomingHttpHeaders, request } from 'node:http'
import { compareReply, type HttpExchange, same } from './fixture.ts'

/** A reply with its whole body. */
export interface HttpReply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Call = Pick<HttpExchange, 'method' | 'path' | 'headers' | 'body'>

/** Sends exactly the headers that are given, as the recording client did. */
export function send(url: string, { method, path, headers, body }: Call): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }
    const sent = request(
      `${url}${path}`,
      { method, headers: { ...headers, ...length }, agent: false },
      res => {
        let text = ''
        res.setEncoding('utf8')
        res.on('data', chunk => {
          text += chunk
        })
        res.on('end', () => {
          const { statusCode = 0, statusMessage = '' } = res
          resolve({ status: statusCode, reason: statusMessage, headers: res.headers, body: text })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** How a reply differs from what is expected, one line each. */
export function compare(expected: HttpExchange, { status, reason, headers, body }: HttpReply): string[] {
  return [
    ...same('status', expected.status, status),
    ...same('reason', expected.reason, reason),
    ...Object.entries(expected.replyHeaders).flatMap(([name, value]) => same(name, value, headers[name])),
    ...same('etag', expected.etag, headers.etag !== undefined),
    ...(expected.reply === null
      ? same('body', '', body)
      : compareReply(expected.reply, replyIn(expected, body))),
  ]
}

/** OctoPrint's replies are results without the wrapping. */
function replyIn({ path }: HttpExchange, body: string): unknown {
  const reply: unknown = JSON.parse(body)
  const isBare = path.startsWith('/api/') && !('error' in (reply as object))
  return isBare ? { result: reply } : reply
}
