// What may be said when connecting, and the link and the identity that follow from it.

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
   * A JSON Web Token; a function, such as `login.token`, is asked anew for each connection (for each request over
   * HTTP), and again with `refused` when the server did not take what it gave.
   */
  readonly accessToken?: string | ((refused?: boolean) => string | Promise<string>)
  readonly apiKey?: string
  /** Who the server and its other clients are told that we are. Not told over HTTP. */
  readonly client?: ClientIdentity
  /** The longest wait for an answer, unless a call says otherwise; by default there is none, as G-code may take hours. */
  readonly timeout?: number
  /** Whether to connect again when the connection breaks; true unless told otherwise. */
  readonly reconnect?: boolean
  /** A connection silent for so long is asked for a sign of life, and given up when none comes in the same time. Default 20. */
  readonly silence?: number
}

/** API document, "Identify Connection". */
export interface ClientIdentity {
  readonly name: string
  readonly version: string
  /** `web`, `mobile`, `desktop`, `display`, `bot`, `agent` or `other`. */
  readonly type: string
  readonly url: string
}

const UNNAMED: ClientIdentity = { name: 'moonraker-ts client', version: '0.1.0', type: 'other', url: '' }

/** The link that the options' `url` asks for. Throws where it is of no known kind. */
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
        `cannot connect to '${url}': it must begin with ws://, wss://, http://, https:// or be a path`,
      )
  }
}

async function tokenOf({ accessToken }: ConnectOptions, refused = false): Promise<string | undefined> {
  return typeof accessToken === 'function' ? accessToken(refused) : accessToken
}

/** Where the server that `url` means is reached by HTTP, without a slash at the end; null for a unix socket. */
export function httpBase(url: string): string | null {
  if (!/^(ws|http)s?:\/\//i.test(url)) return null
  const { protocol, host, pathname } = new URL(url)
  return `${protocol.replace('ws', 'http')}//${host}${pathname.replace(/\/(websocket)?$/, '')}`
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
 * The parameters of server.connection.identify; undefined where there is nothing to tell. `refused` asks for another
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
