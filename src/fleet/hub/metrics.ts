// GET /metrics of a hub, GET /healthz and /readyz, and the printers as targets of Prometheus.
import { Exposition, formatFor, labelText } from '../../components/metrics/exposition.ts'
import { sendMetrics } from '../../components/metrics/send.ts'
import type { Scope } from '../../core/scope.ts'
import type { RawRequest, Registry } from '../../rpc/registry.ts'
import type { Commands } from './commands.ts'
import { labelsOf } from './printers/rows.ts'
import { summaryOf } from './printers/summary.ts'
import type { Leadership } from './scheduler/lease.ts'
import type { Store } from './store/store.ts'

/** What the routes report about. */
export interface MonitoringParts {
  readonly registry: Registry
  readonly store: Store
  readonly commands: Commands
  readonly lease: Leadership
}

/** Serves the routes for monitoring. Probes need no login and see nothing but their words. */
export function serveMonitoring(scope: Scope, parts: MonitoringParts): void {
  const { registry, store } = parts
  const probe = { verbs: ['GET', 'HEAD'], anonymous: true }
  const reading = { verbs: ['GET', 'HEAD'] }
  scope.use(
    registry.serveRaw({ ...probe, path: '/healthz', handle: ({ sendJson }) => sendJson({ status: 'ok' }) }),
  )
  scope.use(
    registry.serveRaw({
      ...probe,
      path: '/readyz',
      handle: ({ sendJson }) => {
        if (!store.connected) sendJson({ status: 'the engine does not answer' }, 503)
        else if (!store.ready) sendJson({ status: 'the states of printers are late' }, 503)
        else sendJson({ status: 'ok' })
      },
    }),
  )
  scope.use(registry.serveRaw({ ...reading, path: '/metrics', handle: request => answer(parts, request) }))
  scope.use(
    registry.serveRaw({
      ...reading,
      path: '/fleet/http_sd',
      handle: ({ sendJson }) => sendJson(targetsOf(store)),
    }),
  )
}

function answer({ store, commands, lease }: MonitoringParts, request: RawRequest): void {
  const format = formatFor(request.req.headers.accept)
  const out = new Exposition(format)
  const { printers, jobs } = summaryOf(store)
  const byState = (counts: Record<string, number>) =>
    Object.entries(counts).map(([state, value]) => ({ value, labels: labelText({ state }) }))
  const gauge = (name: string, help: string, value: number) =>
    out.add({ name, type: 'gauge', help }, [{ value }])
  const counter = (name: string, help: string, value: number) =>
    out.add({ name, type: 'counter', help }, [{ value }])
  out.add({ name: 'fleet_printers', type: 'gauge', help: 'Printers by state' }, byState(printers))
  out.add({ name: 'fleet_jobs', type: 'gauge', help: 'Jobs by state' }, byState(jobs))
  counter(
    'fleet_state_messages_total',
    'States of printers that were received',
    store.directory.stateMessages,
  )
  gauge('fleet_state_lag_seconds', 'How late the newest state arrived', store.lag)
  counter(
    'fleet_cas_conflicts_total',
    'Writes that were refused because another came before them',
    store.counts.conflicts,
  )
  gauge('fleet_scheduler_leader', 'Whether this hub schedules', lease.held ? 1 : 0)
  const sent = [...commands.counts].map(([key, value]) => {
    const [name = '', outcome = ''] = key.split(' ')
    return { value, labels: labelText({ do: name, outcome }) }
  })
  out.add({ name: 'fleet_commands_total', type: 'counter', help: 'Commands to printers' }, sent)
  gauge('process_resident_memory_bytes', 'Resident memory of the process', process.memoryUsage.rss())
  const { user, system } = process.cpuUsage()
  counter('process_cpu_seconds_total', 'Processor time of the process', (user + system) / 1e6)
  sendMetrics(request, format, out.toString())
}

/** Printers with a label `address`, HOST:PORT of their servers, as Prometheus discovers targets over HTTP. */
function targetsOf({ directory }: Store) {
  return directory.members().flatMap(printer => {
    const { address } = labelsOf(printer)
    if (address === undefined || address === '') return []
    const { name, site } = printer.record.value
    return [{ targets: [address], labels: { __metrics_path__: '/metrics', printer: name, site } }]
  })
}
