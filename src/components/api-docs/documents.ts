// The documents of the API: OpenRPC and OpenAPI, from the contract and from what is served at this moment. With all
// chapters of the contract, they are loaded at the first request.
import type { DocumentInfo } from '../../api/documented.ts'
import { chapters, notifications } from '../../api/index.ts'
import { type DocumentedRoute, openapi, rawEndpointsOf } from '../../api/openapi.ts'
import { openrpc } from '../../api/openrpc.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'

function infoOf(version: string): DocumentInfo {
  return {
    title: 'moonraker-ts',
    version,
    description:
      "Moonraker's API for Klipper printers. Arguments of a POST can be in the query string as well as in the body, " +
      'which wins; values are converted where they mean the same: "5" is the integer 5. Clients without a trusted ' +
      'address need an API key or the token of a login; each method names the role that it needs.',
  }
}

/**
 * Whether the server answers `route`: a template below a prefix, any other path as it is. JSON-RPC over HTTP belongs
 * to the transport and is always there.
 */
function isServed(registry: Registry, { path, verb }: DocumentedRoute): boolean {
  if (path === '/server/jsonrpc') return true
  const found = registry.find(path.replaceAll(/\{\w+\}/g, 'x'))
  return (
    found?.kind === 'raw' && found.route.verbs.includes(verb) && (found.rest !== '') === path.includes('{')
  )
}

/** The OpenRPC document of what `registry` serves. */
export function describeRpc(version: string, registry: Registry) {
  return openrpc(registry.methods(), notifications, infoOf(version))
}

/** The OpenAPI document of what `registry` serves below `prefix`. */
export function describeHttp(version: string, { registry, prefix }: Pick<RawRequest, 'registry' | 'prefix'>) {
  return openapi({
    methods: registry.methods(),
    raw: rawEndpointsOf(chapters).filter(route => isServed(registry, route)),
    info: infoOf(version),
    prefix,
  })
}
