// The options of a connection, and the link and the identity that result from them.
import type { OpenLink } from './link.ts'
import { httpLink } from './links/http.ts'
import { webSocketLink } from './links/websocket.ts'

/** Where to connect and how. Times are in seconds. */
export interface ConnectOptions {
  /**
   * `ws://` or `wss://` for a WebSocket, `http://` or `https://` for single requests without notifications,
   * or the path of the server's unix socket (in Node).
   */
  readonly url: string
  /**
   * A JSON Web Token, or a function such as `login.token`: the client calls it for each connection (each request over
   * HTTP), and again with `refused` if the server refuses its token.
   */
  readonly accessToken?: string | ((refused?: boolean) => string | Promise<string>)
  readonly apiKey?: string
  /** The identity of this client, which the server shows to others. Not sent over HTTP. */
  readonly client?: ClientIdentity
  /** The timeout of calls without one of their own; by default none, since G-code may take hours. */
  readonly timeout?: number
  /** Whether to reconnect after a lost connection. Default true. */
  readonly reconnect?: boolean
  /** After this time without a message the client sends a heartbeat; it closes the connection without a reply in the same time. Default 20. */
  readonly heartbeat?: number
}

/** API document, "Identify Connection". */
export interface ClientIdentity {
  readonly name: string
  readonly version: string
  /** `web`, `mobile`, `desktop`, `display`, `bot`, `agent` or `other`. */
  readonly type: string
  readonly url: string
}

const UNNAMED: ClientIdentity = { name: 'moonraker-ts client', version: 'unknown', type: 'other', url: '' }

/** The link for the options' `url`. Throws for an unknown scheme. */
export async function linkOf(options: ConnectOptions): Promise<OpenLink> {
  const { url } = options
  const [scheme] = /^[a-z]+(?=:\/\/)/i.exec(url) ?? ['']
  switch (scheme.toLowerCase()) {
    case 'ws':
    case 'wss':
      return webSocketLink(url)
    case 'http':
    case 'https':
      return httpLink(url, () => credentialHeaders(options))
    case '': {
      const { unixLink } = await import('./links/unix.ts')
      return unixLink(url)
    }
    default:
      throw new Error(
        `cannot connect to '${url}': it must start with ws://, wss://, http://, https:// or be a path`,
      )
  }
}

async function tokenOf({ accessToken }: ConnectOptions, refused = false): Promise<string | undefined> {
  return typeof accessToken === 'function' ? accessToken(refused) : accessToken
}

/** The HTTP address of the server at `url`, without a trailing slash; null for a unix socket. */
export function httpBase(url: string): string | null {
  if (!/^(ws|http)s?:\/\//i.test(url)) return null
  const { protocol, host, pathname } = new URL(url)
  return `${protocol.replace('ws', 'http')}//${host}${pathname.replace(/\/(websocket)?$/, '')}`
}

/** The same, for what HTTP alone has. Throws for a unix socket. */
export function serverBase(url: string): string {
  const base = httpBase(url)
  if (base === null) throw new Error(`${url} is a unix socket: give a URL with http:// or ws://`)
  return base
}

/** The headers of a request over HTTP. */
export async function credentialHeaders(options: ConnectOptions): Promise<Record<string, string>> {
  const token = await tokenOf(options)
  return {
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(options.apiKey !== undefined && { 'X-Api-Key': options.apiKey }),
  }
}

/**
 * The parameters of server.connection.identify; undefined without identity and credentials. `refused` requests another
 * token than the last.
 */
export async function identityOf(options: ConnectOptions, refused = false): Promise<object | undefined> {
  const { client, accessToken, apiKey } = options
  if (client === undefined && accessToken === undefined && apiKey === undefined) return undefined
  const { name, ...rest } = client ?? UNNAMED
  return {
    client_name: name,
    ...rest,
    ...(accessToken !== undefined && { access_token: await tokenOf(options, refused) }),
    ...(apiKey !== undefined && { api_key: apiKey }),
  }
}
