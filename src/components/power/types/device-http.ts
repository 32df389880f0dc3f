// Requests to power devices that have an HTTP interface: bounded, repeated after an error, JSON replies.
import { isIPv6 } from 'node:net'
import type { Core } from '../../../component/component.ts'
import { sleep } from '../../../core/clock.ts'
import type { HttpReply } from '../../../core/http-client.ts'
import { basicAuthorization } from '../../../core/http-request.ts'
import type { Deadline } from '../deadline.ts'
import type { DriverContext } from '../driver.ts'
import type { PowerType } from '../options.ts'
import { hostPlainHttp, type PlainHttp } from '../plain-http/plain-http.ts'

/** A longer reply is an error. */
const MAX_BYTES = 1024 * 1024
/** The time for one attempt; the deadline of the request usually ends it before. */
const TIMEOUT = 30

/** Small devices serve one connection at a time, and would keep other clients waiting. Hubs serve many. */
export type Connections = 'closed' | 'kept'

/** How often a request is sent until it succeeds, and the time between two attempts. */
export interface Attempts {
  readonly count: number
  readonly pauseSeconds: number
}

/** For devices in the local network. */
export const LOCAL_ATTEMPTS: Attempts = { count: 3, pauseSeconds: 1 }
/** For Home Assistant and SmartThings. */
export const QUICK_ATTEMPTS: Attempts = { count: 3, pauseSeconds: 0.1 }
export const ONE_ATTEMPT: Attempts = { count: 1, pauseSeconds: 0 }

/** A request to a device. */
export interface DeviceRequest {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; text as it is. */
  readonly body?: unknown
  /** Basic credentials; not sent unless both are there. */
  readonly auth?: { readonly username: string; readonly password: string }
  /** Statuses besides 200 to 299 that are replies and not errors. */
  readonly accept?: readonly number[]
}

/** The HTTP client of one device. */
export class DeviceHttp {
  readonly #core: Core
  readonly #reads: PlainHttp
  readonly #attempts: Attempts
  readonly #connections: Connections

  constructor(
    { core, scope }: Pick<DriverContext<PowerType>, 'core' | 'scope'>,
    attempts: Attempts,
    connections: Connections = 'closed',
  ) {
    this.#core = core
    this.#reads = core.host.use(hostPlainHttp, scope)
    this.#attempts = attempts
    this.#connections = connections
  }

  /**
   * Sends a request that changes nothing, repeatedly if needed: the device may receive it more than once. Rejects if no
   * attempt gets a status from 200 to 299.
   */
  read(request: DeviceRequest, deadline: Deadline): Promise<HttpReply> {
    const isKept = this.#connections === 'kept'
    return this.#repeat(
      request,
      deadline,
      async () => (await this.#get(request, deadline)) ?? this.#sendOnce(request, deadline, isKept),
    )
  }

  /** Sends a command over a connection of its own, repeatedly if needed. Rejects as `read` does. */
  send(request: DeviceRequest, deadline: Deadline): Promise<HttpReply> {
    return this.#repeat(request, deadline, () => this.#sendOnce(request, deadline, false))
  }

  async #repeat(
    { url, accept = [] }: DeviceRequest,
    deadline: Deadline,
    send: () => Promise<HttpReply>,
  ): Promise<HttpReply> {
    const { count, pauseSeconds } = this.#attempts
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await send()
        const { status, statusText } = reply
        if ((status >= 200 && status < 300) || accept.includes(status)) return reply
        throw new Error(`${new URL(url).host} replies with HTTP ${status} ${statusText}`.trimEnd())
      } catch (error) {
        if (attempt >= count || deadline.isCancelled) throw error
      }
      await sleep(this.#core.clock, pauseSeconds, deadline.signal)
    }
  }

  /** Null for a request that only the other client can send, and after a redirect, which only that one follows. */
  async #get(request: DeviceRequest, deadline: Deadline): Promise<HttpReply | null> {
    const { url, method = 'GET', body } = request
    if (method !== 'GET' || body !== undefined) return null
    const reply = await this.#reads.get(url, {
      headers: headersOf(request),
      maxBytes: MAX_BYTES,
      isKept: this.#connections === 'kept',
      deadline,
    })
    const isRedirect = reply !== null && reply.status >= 300 && reply.status < 400
    return isRedirect ? null : reply
  }

  /** Also over TLS, and by other methods. */
  #sendOnce(request: DeviceRequest, deadline: Deadline, isKept: boolean): Promise<HttpReply> {
    const { url, method = 'GET', body } = request
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
    return this.#core.host.http.send({
      url,
      method,
      headers: {
        ...(!isKept && { Connection: 'close' }),
        ...headersOf(request),
        // Node.js adds it for methods that usually have a body only.
        ...(text !== undefined && { 'Content-Length': String(Buffer.byteLength(text)) }),
      },
      ...(text !== undefined && { body: text }),
      timeoutSeconds: TIMEOUT,
      maxBytes: MAX_BYTES,
      signal: deadline.signal,
    })
  }
}

function headersOf({ headers, body, auth }: DeviceRequest): Record<string, string> {
  const hasAuth = auth !== undefined && auth.username !== '' && auth.password !== ''
  return {
    'User-Agent': 'Moonraker',
    ...(hasAuth && { Authorization: basicAuthorization(auth.username, auth.password) }),
    ...(body !== undefined && typeof body !== 'string' && { 'Content-Type': 'application/json' }),
    ...headers,
  }
}

/** The JSON of a reply. Throws Error for a reply that is not JSON. */
export function jsonOf({ body, url }: HttpReply): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new Error(`${new URL(url).host} replies with something that is not JSON`)
  }
}

/** The value at a path of fields and indexes; undefined where a step is missing. */
export function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found: unknown = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Readonly<Record<string | number, unknown>>)[step]
  }
  return found
}

/** The text at a path, in lower case. Throws Error that names the path. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = valueAt(value, ...path)
  if (typeof found === 'string') return found.toLowerCase()
  throw unexpected(path)
}

/** The boolean at a path, as on or off. Throws Error that names the path. */
export function switchAt(value: unknown, ...path: readonly (string | number)[]): 'on' | 'off' {
  const found = valueAt(value, ...path)
  if (typeof found === 'boolean') return found ? 'on' : 'off'
  throw unexpected(path)
}

function unexpected(path: readonly (string | number)[]): Error {
  return new Error(`the reply of the device does not contain ${path.join('.')}`)
}

/** The start of the URLs of a device. Throws ConfigError for an address that is none. */
export function baseUrl(
  { section }: Pick<DriverContext<PowerType>, 'section'>,
  { address, protocol = 'http', port }: { address: string; protocol?: string; port?: number | undefined },
): string {
  const host = isIPv6(address) ? `[${address}]` : address
  const text = port === undefined ? `${protocol}://${host}` : `${protocol}://${host}:${port}`
  const url = URL.parse(text)
  const isHost = url !== null && url.pathname === '/' && url.username === '' && !/[/?#\s@]/.test(host)
  if (!isHost) {
    throw section.error(
      `the option "address" of section [${section.section}] must be a host name or an IP address: ${address}`,
      'address',
    )
  }
  return text
}

/** The error text of the devices with an HTTP interface. */
export function httpFailure(name: string, to: string): string {
  return `Error Setting Device Status: ${name} to ${to}`
}

/** A value in a query, with + for a space, as HTML forms write it. */
export function formValue(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice(2)
}
