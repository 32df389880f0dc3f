// A front-end's config.json, changed so that the front-end connects to this server.
import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { isPlainObject } from '../../schema/index.ts'

const MAX_BYTES = 1024 * 1024

/** Sends the config.json at `path`, changed so that the front-end finds this server. Throws ApiError 500. */
export async function sendSiteConfig(
  path: string,
  { req, res, sendJson }: RawRequest,
  routePrefix: string,
): Promise<void> {
  const written = await readConfig(path)
  const config = withThisServer(written, addressOf(req), routePrefix)
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
function withThisServer(
  written: Record<string, unknown>,
  address: URL,
  routePrefix: string,
): Record<string, unknown> {
  return {
    ...written,
    ...('instancesDB' in written && mainsailKeys(address, routePrefix)),
    // Fluidd also tries the usual ports of a host that is not in the list, and uses the first that answers.
    ...('endpoints' in written && {
      endpoints: [`${address.origin}${routePrefix}`],
      blacklist: [address.hostname],
    }),
  }
}

/** Mainsail reads the path of a printer only from a list of printers. */
function mainsailKeys({ hostname, port, protocol }: URL, routePrefix: string): Record<string, unknown> {
  const own = { hostname: null, port: null, path: null }
  if (routePrefix === '') return { ...own, instancesDB: 'moonraker' }
  const instance = {
    hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    path: routePrefix,
    name: routePrefix.slice(routePrefix.lastIndexOf('/') + 1),
  }
  return { ...own, instancesDB: 'json', instances: [instance] }
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
