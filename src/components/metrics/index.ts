// [metrics]: GET /metrics, the values of printer, machine and server for Prometheus.
import { component } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import { optional } from '../../component/service.ts'
import { template } from '../../config/index.ts'
import { isSameSecret } from '../../core/same-secret.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { demandRole } from '../../rpc/user.ts'
import { bool, int } from '../../schema/index.ts'
import { filesService } from '../files/service.ts'
import { fleetService } from '../fleet/service.ts'
import { machineServices } from '../machine/service.ts'
import { mqttService } from '../mqtt/service.ts'
import { serverFacts } from '../server/service.ts'
import { spoolmanService } from '../spoolman/service.ts'
import { Exposition, type Family, formatFor } from './exposition.ts'
import { FollowedStatus } from './followed-status.ts'
import { OwnFamilies } from './own-families.ts'
import { processMetrics } from './process-metrics.ts'
import { sendMetrics } from './send.ts'
import { ServerFamilies } from './server-families.ts'
import { metricsService, type PrinterMetrics } from './service.ts'

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
  needs: {
    facts: serverFacts,
    files: filesService,
    machine: optional(machineServices),
    mqtt: optional(mqttService),
    fleet: optional(fleetService),
    spoolman: optional(spoolmanService),
  },
  provides: { metrics: metricsService },
  create({ core, scope, section, needs }) {
    const { token: tokenText, open, klipper_names, hold } = section.options
    const { printer, clock, log } = core
    const status = new FollowedStatus({ printer, clock, log, hold })
    const server = new ServerFamilies({ core, ...needs })
    const own = new OwnFamilies({ core, ...needs, scope })
    const process = core.host.use(processMetrics, scope)
    let token: string | null = null
    scope.use(core.events.on('klippy:disconnected', () => status.reset()))
    scope.defer(() => status.stop())

    const metrics: PrinterMetrics = {
      mayRead({ headers }) {
        if (open) return true
        const [, given] = /^bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '') ?? []
        return token !== null && given !== undefined && isSameSecret(given, token)
      },
      async write(out) {
        // First, since the number of series is limited, and a printer may have more objects.
        own.write(out)
        if (klipper_names) {
          await status.write(out)
          await server.write(out)
        }
        out.addLast(DROPPED, out.dropped)
      },
    }
    const answer = async (request: RawRequest): Promise<void> => {
      if (!metrics.mayRead(request.req)) demandRole(request.caller, 'viewer')
      const format = formatFor(request.req.headers.accept)
      const out = new Exposition(format)
      process.write(out, hold)
      await metrics.write(out)
      sendMetrics(request, format, out.toString())
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
      metrics,
      async start() {
        const text = await new SectionTemplate(core, section, 'token', tokenText).renderOnce()
        token = text === '' || text === 'none' ? null : text
      },
    }
  },
})
