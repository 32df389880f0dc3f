// GET /server/redirect: redirects a browser to a site that cors_domains allows, for logins that return from another site.
import { ApiError } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'

/** Serves the route. It needs no login, so it redirects to allowed sites only. */
export function serveRedirect(registry: Registry, policy: AccessPolicy): Registration {
  return registry.serveRaw({
    verbs: ['GET'],
    path: '/server/redirect',
    open: () => true,
    handle({ res, query }: RawRequest) {
      const text = query.get('url')
      if (text === null) throw new ApiError(400, 'No url argument provided')
      const url = URL.parse(text)
      const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:'
      if (url === null || !isWeb || !policy.allowsOrigin(url.origin)) {
        throw new ApiError(400, `Unauthorized URL redirect: ${text.slice(0, 200)}`)
      }
      res.writeHead(302, { Location: url.href, 'Content-Length': 0 }).end()
    },
  })
}
