// Serves the documents of an API: OpenRPC by `rpc.discover` and GET /openrpc.json, OpenAPI by GET /openapi.json, and a page
// at /docs to read and try them. They are built for each request from what is served at that moment, and not kept.
// At /docs/guide are the documents of the project.
import { discovery } from '../../api/discovery.ts'
import { guideFiles, pagePolicy, redirectToFolder, sendPageFile } from '../../core/page-files.ts'
import type { Registration } from '../../core/scope.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'
import { docsFiles } from './page-files.ts'

/**
 * The page at /docs/ and the guide. They need no login: they contain nothing of this server, and users log in there. Later
 * requests of the page have the rights of its user.
 */
function servePages(registry: Registry): Registration[] {
  const page = { verbs: ['GET', 'HEAD'], open: () => true }
  const guide = { find: guideFiles(), policy: pagePolicy("'self' data:") }
  const sendGuide = (request: RawRequest) => {
    const { rest } = request
    return sendPageFile(request, /(^|\/)$/.test(rest) ? `${rest}index.html` : rest, guide)
  }
  return [
    registry.serveRaw({ ...page, path: '/docs', handle: redirectToFolder }),
    registry.serveRaw({ ...page, path: '/docs/', handle: docsFiles() }),
    registry.serveRaw({ ...page, path: '/docs/guide', handle: redirectToFolder }),
    registry.serveRaw({ ...page, path: '/docs/guide/', handle: sendGuide }),
  ]
}

type Documents = typeof import('./documents.ts')

const load = (): Promise<Documents> => import('./documents.ts')

/** Serves the documents of what a client reaches through `registry`, by a program of this `version`. */
export function serveDocuments(registry: Registry, version: string): Registration[] {
  const document = (path: string, describe: (documents: Documents, request: RawRequest) => unknown) =>
    registry.serveRaw({
      verbs: ['GET', 'HEAD'],
      path,
      handle: async request => request.sendJson(describe(await load(), request)),
    })
  return [
    registry.serve(discovery, {
      'rpc.discover': async (_params, _caller, all) => (await load()).describeRpc(version, all),
    }),
    document('/openrpc.json', (documents, { registry: all }) => documents.describeRpc(version, all)),
    document('/openapi.json', (documents, request) => documents.describeHttp(version, request)),
    ...servePages(registry),
  ]
}
