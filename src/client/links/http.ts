// JSON-RPC over HTTP: each text is a POST to /server/jsonrpc. There are no notifications.
import { reach, refusal } from '../http-errors.ts'
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
  const { response, text } = await reach(address.href, async () => {
    const response = await fetch(address, request)
    return { response, text: await response.text() }
  })
  if (!response.ok) throw refusal('POST /server/jsonrpc', response, text)
  return text
}
