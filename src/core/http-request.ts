// What a request to another web server contains.

/** The content of a request, and the redirects that it follows. */
export interface HttpRequestHead {
  /** http or https only. User and password in it become Basic credentials. */
  readonly url: string
  /** GET by default. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Basic credentials, in place of those in the URL. */
  readonly auth?: { readonly username: string; readonly password: string }
  readonly tls?: TlsOptions
  /** 5 by default; 0 returns the redirect itself. */
  readonly maxRedirects?: number
  /** A redirect from https to http is an error. */
  readonly keepTls?: boolean
  /**
   * Sends it over a new connection, so that the server receives it at most once. Otherwise a request of an idempotent
   * method is sent again if a kept connection turns out to be closed.
   */
  readonly once?: boolean
  readonly signal?: AbortSignal
}

/** How a server of https is checked, and how the client identifies itself to it. Not passed on to other origins. */
export interface TlsOptions {
  /** Certificates of authorities in PEM, in place of the usual ones. */
  readonly ca?: string | Buffer
  /** The client's certificate and key in PEM. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** Accepts every certificate: for devices at home that made their own. */
  readonly insecure?: boolean
}

/** The value of the header `Authorization` for HTTP Basic (RFC 7617), in UTF-8. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
