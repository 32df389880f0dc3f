// What people need to know of this server: its own version, its addresses, and the front-ends at hand.
import type { ResultOf } from '../../api/endpoint.ts'
import type { server } from '../../api/server.ts'
import type { Core } from '../../component/component.ts'
import { reachableUrls } from '../../core/addresses.ts'
import type { Scope } from '../../core/scope.ts'
import { SystemFiles } from '../../core/system-files.ts'
import { PACKAGE_VERSION } from '../../core/version.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { ServedFrontends } from '../frontend/service.ts'
import { nginxFrontends } from './nginx-frontends.ts'

/** Sites with front-ends that connect to any server that allows them. */
const HOSTED = ['http://my.mainsail.xyz', 'http://app.fluidd.xyz']

type About = ResultOf<(typeof server)['methods']['server.about']>

/** Returns the reply of server.about. `frontends` returns null without `[frontend NAME]`. */
export function describeServer(
  { events, paths, printer, routePrefix }: Core,
  scope: Scope,
  { policy, frontends }: { readonly policy: AccessPolicy; readonly frontends: () => ServedFrontends | null },
): () => Promise<About> {
  let addresses: string[] = []
  scope.use(
    events.on('server:listening', at => {
      addresses = reachableUrls(at).map(address => address + routePrefix)
    }),
  )
  const files = new SystemFiles('')
  return async () => ({
    version: PACKAGE_VERSION,
    addresses,
    frontends: (frontends()?.list() ?? []).map(({ name, path }) => ({ name, path })),
    nginx_frontends: await nginxFrontends(files),
    refused_sites: HOSTED.filter(site => !policy.allowsOrigin(site)),
    socket: paths.socket,
    klippy_socket: printer.link.path,
  })
}
