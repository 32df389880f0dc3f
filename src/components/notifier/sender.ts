// What a sender of one service is, and what all of them use.
import { messageOf } from '../../core/errors.ts'
import { type HttpClient, HttpClientError, type HttpReply } from '../../core/http-client.ts'
import { basicAuthorization, type HttpRequestHead } from '../../core/http-request.ts'
import { DeliveryError, type Message } from './message.ts'
import type { ServiceUrl } from './service-url.ts'

/** Sends a message once. Rejects with DeliveryError. */
export type Send = (message: Message) => Promise<void>

/** A native sender: checks the URL and returns the function that sends. Throws ServiceUrlError. */
export type CreateSender = (url: ServiceUrl, http: HttpClient) => Send

/** Seconds for one request to a service. */
const TIMEOUT = 15
/** Bytes of a reply. */
const MAX_REPLY = 256 * 1024
/** Bytes of a service's error text that go into ours. */
const MAX_PROBLEM = 200

/** Sends a request to a service. Rejects with DeliveryError, also for a status other than success. */
export async function request(http: HttpClient, head: HttpRequestHead): Promise<HttpReply> {
  let reply: HttpReply
  try {
    reply = await http.send({ ...head, timeoutSeconds: TIMEOUT, maxBytes: MAX_REPLY })
  } catch (error) {
    if (!(error instanceof HttpClientError)) throw error
    throw new DeliveryError(messageOf(error), true, { cause: error })
  }
  const { status, statusText } = reply
  if (status >= 200 && status < 300) return reply
  const problem = reply.body.toString('utf8', 0, MAX_PROBLEM).replace(/\s+/g, ' ').trim()
  const isTemporary = status === 429 || status >= 500
  throw new DeliveryError(`the service replied ${status} ${statusText}: ${problem}`, isTemporary)
}

/** Posts JSON. */
export function postJson(
  http: HttpClient,
  url: string,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> {
  return request(http, jsonRequest('POST', url, value, headers))
}

/** A request with JSON. */
export function jsonRequest(
  method: string,
  url: string,
  value: unknown,
  headers: Readonly<Record<string, string>>,
): HttpRequestHead {
  const body = JSON.stringify(value)
  return { url, method, headers: { 'Content-Type': 'application/json', ...headers }, body }
}

/** One part of a form: a text, or a file. */
export interface FormPart {
  readonly name: string
  readonly value: string | { readonly filename: string; readonly mediaType: string; readonly data: Buffer }
}

/** Posts a form with files. */
export async function postForm(
  http: HttpClient,
  url: string,
  parts: readonly FormPart[],
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> {
  const form = new FormData()
  for (const { name, value } of parts) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([new Uint8Array(value.data)], { type: value.mediaType }), value.filename)
  }
  const encoded = new Response(form)
  const type = encoded.headers.get('content-type') ?? ''
  const body = Buffer.from(await encoded.arrayBuffer())
  return request(http, { url, method: 'POST', headers: { 'Content-Type': type, ...headers }, body })
}

/** `http(s)://host:port` of a service that users run themselves. */
export function baseOf({ host, port }: ServiceUrl, secure: boolean): string {
  return `http${secure ? 's' : ''}://${host}${port === null ? '' : `:${port}`}`
}

/** Credentials in a header, where the URL has a user. */
export function basicAuth({ user, password }: ServiceUrl): Record<string, string> {
  if (user === '') return {}
  return { Authorization: basicAuthorization(user, password) }
}

/** Title and body as one text, for services without titles. */
export function joined({ title }: Pick<Message, 'title'>, body: string): string {
  return [title, body].filter(text => text !== '').join('\n')
}
