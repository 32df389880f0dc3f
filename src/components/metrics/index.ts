// [metrics]: GET /metrics, the values of printer, machine and server for Prometheus.
import { type Component, component } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import { optional } from '../../component/service.ts'
import { template } from '../../config/index.ts'
import { isSameSecret } from '../../core/same-secret.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { demandRole } from '../../rpc/user.ts'
import { bool, int } from '../../schema/index.ts'
import { fleetService } from '../fleet/service.ts'
import { mqttService } from '../mqtt/service.ts'
import { serverFacts } from '../server/service.ts'
import { CONTENT_TYPES, Exposition, type Family, formatFor } from './exposition.ts'
import { FollowedStatus } from './followed-status.ts'
import { OwnFamilies } from './own-families.ts'
import { ServerFamilies } from './server-families.ts'

const options = {
  token: template()
    .describe('Clients with this text as bearer token need no login; better as {secrets.metrics.token}')
    .default('none'),
  open: bool().describe('Whether everyone may read the metrics, without a login').default(false),
  klipper_names: bool()
    .describe('Whether there are the metrics of prometheus-klipper-exporter, under its names')
    .default(true),
  hold: int({ min: 1, max: 86_400 })
    .describe("Seconds after the last request, until which the printer's status is followed")
    .default(300),
}

const DROPPED: Family = {
  name: 'moonraker_metrics_dropped',
  type: 'gauge',
  help: 'Series that this reply lacks, for its limit or for equal labels',
}

export default component({
  section: 'metrics',
  presence: 'configured',
  options,
  needs: { facts: serverFacts, mqtt: optional(mqttService), fleet: optional(fleetService) },
  create({ core, scope, section, needs }): Component {
    const { token: tokenText, open, klipper_names, hold } = section.options
    const { printer, clock, log } = core
    const status = new FollowedStatus({ printer, clock, log, hold })
    const server = new ServerFamilies(core)
    const own = new OwnFamilies({ core, ...needs, scope, hold })
    let token: string | null = null
    scope.use(core.events.on('klippy:disconnected', () => status.reset()))
    scope.defer(() => status.stop())

    const mayRead = ({ req }: RawRequest): boolean => {
      if (open) return true
      const [, given] = /^bearer\s+(\S+)\s*$/i.exec(req.headers.authorization ?? '') ?? []
      return token !== null && given !== undefined && isSameSecret(given, token)
    }
    const answer = async (request: RawRequest): Promise<void> => {
      if (!mayRead(request)) demandRole(request.caller, 'viewer')
      const format = formatFor(request.req.headers.accept)
      const out = new Exposition(format)
      // First, since the number of series is limited, and a printer may have more objects.
      await own.write(out)
      if (klipper_names) {
        await status.write(out)
        await server.write(out)
      }
      out.addLast(DROPPED, out.dropped)
      const body = Buffer.from(out.toString())
      request.res
        .writeHead(200, { 'Content-Type': CONTENT_TYPES[format], 'Content-Length': body.length })
        .end(request.req.method === 'HEAD' ? undefined : body)
    }
    // Open, since the handler knows a further way to show who calls.
    scope.use(
      core.registry.serveRaw({
        verbs: ['GET', 'HEAD'],
        path: '/metrics',
        open: () => true,
        handle: answer,
      }),
    )
    return {
      async start() {
        const text = await new SectionTemplate(core, section, 'token', tokenText).renderOnce()
        token = text === '' || text === 'none' ? null : text
      },
    }
  },
})
