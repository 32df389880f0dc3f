// [metrics]: GET /metrics, the values of printer, machine and server for Prometheus.
import { type Component, type Core, component } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import { template } from '../../config/index.ts'
import { isSameSecret } from '../../core/same-secret.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { demandRole } from '../../rpc/user.ts'
import { bool, int } from '../../schema/index.ts'
import { CONTENT_TYPES, Exposition, type Family, formatFor } from './exposition.ts'
import { FollowedStatus } from './followed-status.ts'
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

/** The metrics of the server itself; the last of them, since it counts what was left out before it. */
function writeOwn({ host, warnings, connections, clock }: Core, out: Exposition): void {
  const version = { version: host.version, node: process.versions.node }
  const gauge = (name: string, help: string, value: number, labels = {}) =>
    out.add({ name, type: 'gauge', help }, [{ value, labels }])
  gauge('moonraker_build_info', 'Version of the server and of Node.js', 1, version)
  gauge('moonraker_up_seconds', 'Time since the start of the process', process.uptime())
  gauge('moonraker_warnings', 'Warnings that server.info lists', warnings.list().length)
  gauge('process_resident_memory_bytes', 'Resident memory of the process', process.memoryUsage.rss())
  const { user, system } = process.cpuUsage()
  const cpu: Family = {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time of the process',
  }
  out.add(cpu, [{ value: (user + system) / 1e6 }])
  gauge('process_start_time_seconds', 'Start of the process, since the epoch', clock.now() - process.uptime())
  const open = new Map<string, number>()
  for (const { transport } of connections) open.set(transport, (open.get(transport) ?? 0) + 1)
  const ofTransports = [...open].map(([transport, value]) => ({ value, labels: { transport } }))
  out.add({ name: 'moonraker_connections', type: 'gauge', help: 'Open connections of clients' }, ofTransports)
  gauge(
    'moonraker_metrics_dropped',
    'Series that this reply lacks, for its limit or for equal labels',
    out.dropped,
  )
}

export default component({
  section: 'metrics',
  presence: 'configured',
  options,
  create({ core, scope, section }): Component {
    const { token: tokenText, open, klipper_names, hold } = section.options
    const { printer, clock, log } = core
    const status = new FollowedStatus({ printer, clock, log, hold })
    const server = new ServerFamilies(core)
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
      if (klipper_names) {
        await status.write(out)
        await server.write(out)
      }
      writeOwn(core, out)
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
