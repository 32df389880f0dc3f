// The status line and the headers of a response, and how its body ends (RFC 9112, section 6.3).
import type { IncomingHttpHeaders } from 'node:http'

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):([^\0\r\n]*)$/
const WITHOUT_BODY = new Set([204, 304])

/** How a body ends: after `length` bytes, with a last chunk, or with the connection. */
export type Framing = { readonly length: number } | 'chunks' | 'close'

/** The head of a response. */
export interface ResponseHead {
  readonly status: number
  /** As `Not Found`; may be ''. */
  readonly statusText: string
  readonly headers: IncomingHttpHeaders
  readonly framing: Framing
  /** Whether the server accepts another request on the same connection. */
  readonly isKept: boolean
}

/** Reads a head, without the empty line at its end. Throws Error for a text that is no head. */
export function readHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n')
  const [, minor, digits, statusText = ''] = STATUS_LINE.exec(first) ?? []
  if (digits === undefined) throw new Error('the answer is not HTTP/1.1')
  const status = Number(digits)
  const headers = headersOf(lines)
  const framing = framingOf(status, headers)
  const isKept = minor === '1' && framing !== 'close' && !/\bclose\b/i.test(headers.connection ?? '')
  return { status, statusText, headers, framing, isKept }
}

function headersOf(lines: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line) ?? []
    if (name === undefined || value === undefined) throw new Error('the answer contains an invalid header')
    const key = name.toLowerCase()
    const before = headers[key] === undefined ? '' : `${headers[key]}, `
    headers[key] = before + value.trim()
  }
  return headers
}

function framingOf(status: number, headers: IncomingHttpHeaders): Framing {
  if (WITHOUT_BODY.has(status)) return { length: 0 }
  const { 'transfer-encoding': encoding, 'content-length': length } = headers
  if (length === undefined) return /(^|[, \t])chunked$/i.test(encoding ?? '') ? 'chunks' : 'close'
  if (encoding === undefined && /^\d{1,15}$/.test(length)) return { length: Number(length) }
  throw new Error('the length of the answer is not clear')
}
