// [zeroconf]: lets programs in the same network find the server, by multicast DNS and, if enabled, SSDP.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Component, component } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { bool, Field, Invalid } from '../../schema/index.ts'
import { Discovery } from './discovery.ts'
import { MAX_NAME } from './identity.ts'
import { hostMdns } from './mdns.ts'

/** One label of a host name; a `.local` at its end is removed. */
const hostName = new Field<string>({ type: 'string' }, (input, name) => {
  const text = String(input)
    .trim()
    .replace(/\.local\.?$/i, '')
  if (/^[\p{L}\p{N}_-]*$/u.test(text) && Buffer.byteLength(text) <= MAX_NAME) return text
  throw new Invalid(name, `host name without dots, of ${MAX_NAME} bytes at most`, input)
})

/** Answers with the description of the device. */
function sendDescription(req: IncomingMessage, res: ServerResponse, discovery: Discovery): void {
  const text = discovery.describe(req.socket.localAddress ?? '')
  if (text === null) throw new ApiError(404, 'SSDP has not started yet, try again later')
  res.writeHead(200, {
    'Content-Type': 'application/xml',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(text),
  })
  res.end(req.method === 'HEAD' ? undefined : text)
}

export default component({
  section: 'zeroconf',
  presence: 'configured',
  options: {
    mdns_hostname: hostName.describe("The name before '.local'; the machine's own name if empty").default(''),
    enable_ssdp: bool().describe('Announce the server by UPnP/SSDP too').default(false),
  },
  create({ core, section: { options }, scope }): Component {
    const { mdns_hostname: host, enable_ssdp: ssdp } = options
    const discovery = new Discovery(core, core.host.use(hostMdns, scope), { host, ssdp })
    scope.use(core.events.on('server:listening', at => discovery.listening(at)))
    if (ssdp) {
      scope.use(
        core.registry.serveRaw({
          verbs: ['GET', 'HEAD'],
          path: '/server/zeroconf/ssdp',
          open: () => true,
          handle: ({ req, res }) => sendDescription(req, res, discovery),
        }),
      )
    }
    return discovery
  },
})
