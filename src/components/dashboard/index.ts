// The dashboard for people who open the server's address in a browser: at /welcome, and at / without a front-end.
import { component } from '../../component/component.ts'
import { pageFiles, pagePolicy, redirectToFolder, sendPageFile } from '../../core/page-files.ts'
import type { RawRequest } from '../../rpc/registry.ts'

/** Pictures and videos may come from everywhere, as cameras are on other machines. */
const POLICY = pagePolicy('http: https: data:', 'http: https:')

export default component({
  section: 'server',
  presence: 'always',
  listed: false,
  options: {},
  create({ core, scope }) {
    const { events, registry } = core
    const files = { find: pageFiles(), policy: POLICY }
    // The page needs no login: it contains nothing of this server, and users log in there.
    const page = { verbs: ['GET', 'HEAD'], open: () => true }
    const sendPage = (request: RawRequest) => {
      const { req, prefix } = request
      if (prefix !== '' && req.url?.split('?', 1)[0] === prefix) return redirectToFolder(request)
      return sendPageFile(request, 'dashboard.html', files)
    }
    scope.use(registry.serveRaw({ ...page, path: '/welcome', handle: sendPage }))
    scope.use(
      registry.serveRaw({
        ...page,
        path: '/welcome/',
        handle: request => sendPageFile(request, request.rest, files),
      }),
    )
    // Only now is it known whether a front-end serves '/'.
    scope.use(
      events.on('server:listening', () => {
        if (!registry.servesRest) scope.use(registry.serveRaw({ ...page, path: '/', handle: sendPage }))
      }),
    )
    return {}
  },
})
