// JSON-RPC over HTTP: each text is a POST to /server/jsonrpc. There are no notifications.
import { CallError, ConnectionLost } from '../errors.ts'
import type { Link, LinkListener, OpenLink } from '../link.ts'

/** Returns the headers of the next request. */
export type Headers = () => Promise<Readonly<Record<string, string>>>

/** Calls the server at `url`, such as http://host:7125, possibly with a route prefix. */
export function httpLink(url: string, headers: Headers): OpenLink {
  const address = new URL(`${url.replace(/\/$/, '')}/server/jsonrpc`)
  return async listener => openHttp(address, headers, listener)
}

function openHttp(address: URL, headers: Headers, listener: LinkListener): Link {
  const closing = new AbortController()
  return {
    lasting: false,
    send: async (text, signal) => {
      const body = await post(address, await headers(), text, AbortSignal.any([signal, closing.signal]))
      if (body !== '') listener.message(body)
    },
    close: () => closing.abort(),
  }
}

async function post(
  address: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<string> {
  const request = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
    signal,
  }
  let response: Response
  let reply: string
  try {
    response = await fetch(address, request)
    reply = await response.text()
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
    throw new ConnectionLost(`no reply from ${address.href}${why}`, { cause: error })
  }
  if (!response.ok) throw refusal(response, reply)
  return reply
}

/** The error of a request that did not reach the registry: the server or a proxy refused it. */
function refusal(response: Response, reply: string): CallError {
  let message = response.statusText || `HTTP status ${response.status}`
  try {
    const { error } = JSON.parse(reply) as { error?: { message?: string } }
    if (error?.message !== undefined) message = error.message
  } catch {
    // The page of a proxy: only its status is useful.
  }
  return new CallError('POST /server/jsonrpc', response.status, message)
}
