// The page for people who open the server's address in a browser: at /welcome, and at / without a front-end.
import { hash } from 'node:crypto'
import { type Core, component } from '../../component/component.ts'
import type { Host } from '../../component/host.ts'
import { reachableUrls } from '../../core/addresses.ts'
import { withTimeout } from '../../core/clock.ts'
import type { Registration } from '../../core/scope.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { accessPolicy } from '../access/service.ts'
import { serverFacts } from '../server/service.ts'
import { SCRIPT, STYLE } from './look.ts'
import { fullPage, HOSTED, publicPage, type WelcomeView } from './page.ts'

/** Seconds that the page waits for Klippy. */
const QUERY_TIMEOUT = 1

/** The part of the view that does not come from the core. */
export type WelcomeFacts = Pick<
  WelcomeView,
  'warnings' | 'components' | 'failedComponents' | 'addresses' | 'routePrefix' | 'refusedSites'
>

/** What the page shows of the core. */
type PageCore = Pick<Core, 'registry' | 'printer' | 'paths' | 'clock'> & {
  readonly host: Pick<Host, 'version'>
}

/** Serves the page. An unauthenticated client receives only the name, the version and how to log in. */
export function createWelcome(core: PageCore, facts: () => WelcomeFacts): Registration {
  const { registry } = core
  let headers: Map<string, string> | null = null
  const handle = async ({ req, res, caller }: RawRequest) => {
    const { routePrefix } = facts()
    const body =
      caller.user === null
        ? publicPage(core.host.version, routePrefix)
        : fullPage(viewOf(core, facts(), await printOf(core)))
    headers ??= pageHeaders()
    res.setHeaders(headers)
    res.setHeader('Content-Length', Buffer.byteLength(body))
    res.end(req.method === 'HEAD' ? undefined : body)
  }
  const paths = registry.servesRest ? ['/welcome'] : ['/', '/welcome']
  const served = paths.map(path =>
    registry.serveRaw({ verbs: ['GET', 'HEAD'], path, open: () => true, handle }),
  )
  return {
    remove: () => {
      for (const registration of served) registration.remove()
    },
  }
}

/** The print in progress; null without one, and if Klippy does not reply in time. */
async function printOf({ printer, clock }: PageCore): Promise<WelcomeView['print']> {
  if (printer.session.state !== 'ready') return null
  try {
    const reply = Promise.resolve(printer.query({ print_stats: ['state', 'filename'] }))
    const { status } = await withTimeout(clock, QUERY_TIMEOUT, reply, () => new Error('no reply'))
    const { state, filename } = status.print_stats ?? {}
    if (state !== 'printing' && state !== 'paused') return null
    return { state, filename: typeof filename === 'string' ? filename : '' }
  } catch {
    return null
  }
}

function viewOf(
  { printer, paths, host }: PageCore,
  facts: WelcomeFacts,
  print: WelcomeView['print'],
): WelcomeView {
  const { state, info } = printer.session
  return {
    ...facts,
    version: host.version,
    klippy: { state, message: info?.state_message ?? null },
    print,
    klippySocket: printer.link.path,
    socket: paths.socket,
  }
}

/** Only the page's own style and script may run, so that text that was not escaped runs nothing. */
function pageHeaders(): Map<string, string> {
  const only = (text: string) => `'sha256-${hash('sha256', text, 'base64')}'`
  const policy = [
    "default-src 'none'",
    `style-src ${only(STYLE)}`,
    `script-src ${only(SCRIPT)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return new Map([
    ['Content-Type', 'text/html; charset=UTF-8'],
    ['Content-Security-Policy', policy.join('; ')],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
    ['Cache-Control', 'no-store'],
  ])
}

export default component({
  section: 'server',
  presence: 'always',
  listed: false,
  options: {},
  needs: { facts: serverFacts, access: accessPolicy },
  create({ core, scope, needs }) {
    const { events, routePrefix, warnings } = core
    const serve = (addresses: readonly string[]) =>
      createWelcome(core, () => ({
        warnings: warnings.list(),
        components: needs.facts.components(),
        failedComponents: needs.facts.failedComponents(),
        addresses,
        routePrefix,
        refusedSites: Object.values(HOSTED).filter(site => !needs.access.allowsOrigin(site)),
      }))
    // Only now is it known whether a front-end serves '/'.
    scope.use(events.on('server:listening', at => void scope.use(serve(reachableUrls(at)))))
    return {}
  },
})
