// The API's own documents: OpenRPC by `rpc.discover` and GET /openrpc.json, OpenAPI by GET /openapi.json, and a page
// at /docs to read and try them. They are built for each request from what is served at that moment, and not kept.
import { discovery } from '../../api/discovery.ts'
import type { DocumentInfo } from '../../api/documented.ts'
import { chapters, notifications } from '../../api/index.ts'
import { type DocumentedRoute, openapi, rawEndpointsOf } from '../../api/openapi.ts'
import { openrpc } from '../../api/openrpc.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import type { Registration } from '../../core/scope.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'
import { sendPageFile } from './page-files.ts'

function infoOf({ host }: Core): DocumentInfo {
  return {
    title: 'moonraker-ts',
    version: host.version,
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

/**
 * The page at /docs/. It needs no login: it contains nothing of this server, and users log in there. Its
 * later requests have the rights of their user.
 */
function servePage(registry: Registry): Registration[] {
  const page = { verbs: ['GET', 'HEAD'], open: () => true }
  // A relative address: neither a route prefix nor one of a proxy need be known.
  const toFolder = ({ res }: RawRequest) => void res.writeHead(302, { Location: 'docs/' }).end()
  return [
    registry.serveRaw({ ...page, path: '/docs', handle: toFolder }),
    registry.serveRaw({ ...page, path: '/docs/', handle: request => sendPageFile(request) }),
  ]
}

export default component({
  section: 'api_docs',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    const { registry } = core
    const describeRpc = () => openrpc(registry.methods(), notifications, infoOf(core))
    const describeHttp = () =>
      openapi({
        methods: registry.methods(),
        raw: rawEndpointsOf(chapters).filter(route => isServed(registry, route)),
        info: infoOf(core),
        prefix: core.routePrefix,
      })
    const page = (path: string, build: () => unknown) =>
      scope.use(
        registry.serveRaw({
          verbs: ['GET', 'HEAD'],
          path,
          handle: ({ sendJson }) => sendJson(build()),
        }),
      )
    scope.use(registry.serve(discovery, { 'rpc.discover': () => describeRpc() }))
    page('/openrpc.json', describeRpc)
    page('/openapi.json', describeHttp)
    for (const registration of servePage(registry)) scope.use(registration)
    return {}
  },
})
