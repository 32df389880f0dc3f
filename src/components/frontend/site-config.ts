// A front-end's config.json, changed so that the front-end connects to this server.
import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { isPlainObject } from '../../schema/index.ts'

const MAX_BYTES = 1024 * 1024

/** A server that a front-end can choose from a list: below `path` of this one, or elsewhere. */
export type ListedServer =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly url: string }

/**
 * Sends the config.json at `path`, changed so that the front-end finds this server, or the servers of the list `listed`.
 * Throws ApiError 500.
 */
export async function sendSiteConfig(
  path: string,
  { req, res, prefix, sendJson }: RawRequest,
  listed?: readonly ListedServer[],
): Promise<void> {
  const written = await readConfig(path)
  const own = { name: prefix.slice(prefix.lastIndexOf('/') + 1), path: prefix }
  const config = withServers(written, addressOf(req), listed ?? [own])
  res.setHeader('Cache-Control', 'no-cache')
  sendJson(config)
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const { size } = await stat(path)
  if (size > MAX_BYTES) throw new ApiError(500, 'The config.json of the front-end is too large')
  try {
    // As a browser decodes it: editors on Windows write a byte order mark first.
    const config: unknown = JSON.parse(new TextDecoder().decode(await readFile(path)))
    if (isPlainObject(config)) return config
  } catch {
    // Not JSON: the error below is for this case too.
  }
  throw new ApiError(500, 'The config.json of the front-end is not a JSON object')
}

/** Adds a key only where the file has it already: Mainsail and Fluidd know different ones. */
function withServers(
  written: Record<string, unknown>,
  here: URL,
  listed: readonly ListedServer[],
): Record<string, unknown> {
  const servers = listed.map(server => ({
    name: server.name,
    url: 'url' in server ? server.url : `${here.origin}${server.path}`,
  }))
  return {
    ...written,
    ...('instancesDB' in written && mainsailKeys(servers)),
    // Fluidd also tries the usual ports of a host that is not in the list, and uses the first that answers.
    ...('endpoints' in written && { endpoints: servers.map(({ url }) => url), blacklist: [here.hostname] }),
  }
}

/** Mainsail reads the path of a printer only from a list of printers. */
function mainsailKeys(
  servers: readonly { readonly name: string; readonly url: string }[],
): Record<string, unknown> {
  const own = { hostname: null, port: null, path: null }
  const [first, ...others] = servers.map(({ name, url }) => ({ name, address: new URL(url) }))
  const isPlain = first?.address.pathname === '/' && first.name === ''
  if (first === undefined || (isPlain && others.length === 0)) return { ...own, instancesDB: 'moonraker' }
  const instances = [first, ...others].map(({ name, address: { hostname, port, protocol, pathname } }) => ({
    hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    path: pathname === '/' ? '' : pathname,
    name,
  }))
  return { ...own, instancesDB: 'json', instances }
}

/**
 * The server's address as the browser shows it. Only the `Referer`, the address of the page, shows whether a proxy before
 * this server uses TLS.
 */
function addressOf({ headers, socket }: IncomingMessage): URL {
  const page = URL.parse(headers.referer ?? '')
  const isOurs = page !== null && /^https?:$/.test(page.protocol) && page.host === headers.host
  if (isOurs) return page
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  return URL.parse(`${scheme}://${headers.host}`) ?? new URL(`${scheme}://localhost`)
}
