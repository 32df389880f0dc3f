// The API's own documents: OpenRPC by `rpc.discover` and GET /openrpc.json, OpenAPI by GET /openapi.json, and a page
// at /docs to read and try them. They are built for each request from what is served at that moment, and not kept.
import { discovery } from '../../api/discovery.ts'
import { type Component, component } from '../../component/component.ts'
import type { Registration } from '../../core/scope.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'
import { sendDocsFile } from './page-files.ts'

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
    registry.serveRaw({ ...page, path: '/docs/', handle: request => sendDocsFile(request) }),
  ]
}

type Documents = typeof import('./documents.ts')

const load = (): Promise<Documents> => import('./documents.ts')

export default component({
  section: 'api_docs',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    const { registry } = core
    const page = (path: string, describe: (documents: Documents, request: RawRequest) => unknown) =>
      scope.use(
        registry.serveRaw({
          verbs: ['GET', 'HEAD'],
          path,
          handle: async request => request.sendJson(describe(await load(), request)),
        }),
      )
    scope.use(
      registry.serve(discovery, {
        'rpc.discover': async (_params, _caller, all) => (await load()).describeRpc(core, all),
      }),
    )
    page('/openrpc.json', (documents, { registry: all }) => documents.describeRpc(core, all))
    page('/openapi.json', (documents, request) => documents.describeHttp(core, request))
    for (const registration of servePage(registry)) scope.use(registration)
    return {}
  },
})
