// The URL of a service in Apprise's grammar: `scheme://user:password@host:port/part/part?option=value`.

/** A parsed URL. Parts are decoded. */
export interface ServiceUrl {
  /** In lower case. */
  readonly scheme: string
  readonly user: string
  readonly password: string
  /** With its case: some services have a token here. */
  readonly host: string
  /** Null for the service's own port. */
  readonly port: number | null
  /** The parts of the path. */
  readonly path: readonly string[]
  /** Options of the service, by their names in lower case. */
  readonly options: ReadonlyMap<string, string>
  /** `+Name=value`: headers, or values of the service. */
  readonly headers: ReadonlyMap<string, string>
  /** `-name=value`: arguments for the query string of a web service. */
  readonly query: ReadonlyMap<string, string>
  /** `:name=value`: fields of the payload of a web service. */
  readonly fields: ReadonlyMap<string, string>
}

/** A URL that cannot be used; the text names the reason, never the URL, which contains passwords. */
export class ServiceUrlError extends Error {
  override readonly name = 'ServiceUrlError'
}

/** Parses a URL. Throws ServiceUrlError. */
export function parseServiceUrl(text: string): ServiceUrl {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9]*):\/\/(.*)$/is.exec(text.trim()) ?? []
  if (scheme === undefined) throw new ServiceUrlError('it has no service, as in ntfy://topic')
  const [location = '', ...queries] = rest.split('?')
  const [authority = '', ...path] = location.split('/')
  const at = authority.lastIndexOf('@')
  const [user, password] = splitOnce(at === -1 ? '' : authority.slice(0, at), ':')
  const { host, port } = splitHost(authority.slice(at + 1))
  return {
    scheme: scheme.toLowerCase(),
    user: decode(user),
    password: decode(password),
    host: decode(host),
    port,
    path: path.filter(part => part !== '').map(decode),
    ...splitOptions(queries.join('?')),
  }
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** A text after the colon that is no port belongs to the host: Telegram's token is `number:letters`. */
function splitHost(text: string): { host: string; port: number | null } {
  const [, host, digits] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (host === undefined || port > 65535) return { host: text, port: null }
  return { host, port }
}

function splitOptions(query: string) {
  const options = new Map<string, string>()
  const groups = {
    '+': new Map<string, string>(),
    '-': new Map<string, string>(),
    ':': new Map<string, string>(),
  }
  for (const pair of query.split('&')) {
    const [name, value] = splitOnce(pair, '=').map(part => decode(part.replaceAll('+', ' '))) as [
      string,
      string,
    ]
    // `+Name` arrives with a blank, since a plus sign in a query is one.
    const mark = pair.startsWith('+') ? '+' : name.charAt(0)
    if (mark === '+' || mark === '-' || mark === ':') groups[mark].set(name.slice(1), value)
    else if (name !== '') options.set(name.toLowerCase(), value)
  }
  return { options, headers: groups['+'], query: groups['-'], fields: groups[':'] }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
