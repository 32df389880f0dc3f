// A front-end's config.json, which tells it where its printer is: here.
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
  const config = pointingHome(written, addressOf(req), routePrefix)
  res.setHeader('Cache-Control', 'no-cache')
  sendJson(config)
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  const { size } = await stat(path)
  if (size > MAX_BYTES) throw new ApiError(500, 'The config.json of the front-end is too large')
  try {
    // As a browser reads it: editors of Windows put a mark before the text.
    const config: unknown = JSON.parse(new TextDecoder().decode(await readFile(path)))
    if (isPlainObject(config)) return config
  } catch {
    // Told below: either way it is none.
  }
  throw new ApiError(500, 'The config.json of the front-end is not a JSON object')
}

/** What only one of them knows is set only where that one has written it. */
function pointingHome(
  written: Record<string, unknown>,
  address: URL,
  routePrefix: string,
): Record<string, unknown> {
  const isMainsail = 'instancesDB' in written
  const isFluidd = 'endpoints' in written
  return {
    ...written,
    ...(isMainsail && { instancesDB: 'moonraker', hostname: null, port: null, path: routePrefix || null }),
    // Fluidd asks the usual ports of a host that is not in the list too, and takes whoever answers first.
    ...(isFluidd && { endpoints: [`${address.origin}${routePrefix}`], blacklist: [address.hostname] }),
  }
}

/**
 * The address in the browser's address line. Only the page that it comes from tells whether a proxy before this server
 * speaks TLS.
 */
function addressOf({ headers, socket }: IncomingMessage): URL {
  const page = URL.parse(headers.referer ?? '')
  const isOurs = page !== null && /^https?:$/.test(page.protocol) && page.host === headers.host
  if (isOurs) return page
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  return URL.parse(`${scheme}://${headers.host}`) ?? new URL(`${scheme}://localhost`)
}
