// The metrics of the server itself: its requests, clients, and what it depends on.
import type { Core } from '../../component/component.ts'
import type { Scope } from '../../core/scope.ts'
import type { FleetConnection } from '../fleet/service.ts'
import type { MqttBroker } from '../mqtt/service.ts'
import type { ServerFacts } from '../server/service.ts'
import { type Exposition, labelText, type MetricType, type Sample } from './exposition.ts'
import { Histogram } from './histogram.ts'

/** Bounds of the times of requests and commits, in seconds. */
const TIMES = [0.005, 0.025, 0.1, 0.5, 2.5, 10]
/** Pairs of transport and status that are counted. */
const MAX_PAIRS = 200

/** What the metrics are read from. */
interface Parts {
  readonly core: Core
  readonly facts: ServerFacts
  /** Null without [mqtt]. */
  readonly mqtt: () => MqttBroker | null
  /** Null without [fleet]. */
  readonly fleet: () => FleetConnection | null
  readonly scope: Scope
}

type Add = (name: string, help: string, values: number | readonly Sample[], type?: MetricType) => void

export class OwnFamilies {
  readonly #parts: Parts
  readonly #requests = new Map<string, { value: number; readonly labels: string }>()
  readonly #times = new Histogram(TIMES)
  readonly #commits = new Histogram(TIMES)

  constructor(parts: Parts) {
    const { core, scope } = parts
    this.#parts = parts
    scope.use(core.registry.measure({ add: (...ended) => this.#count(...ended) }))
    scope.use(core.storage.db.measureCommits(seconds => this.#commits.add(seconds)))
  }

  #count(transport: string, code: number, seconds: number): void {
    this.#times.add(seconds, transport, { transport })
    const key = `${transport} ${code}`
    const counted = this.#requests.get(key)
    if (counted !== undefined) counted.value += 1
    else if (this.#requests.size < MAX_PAIRS) {
      this.#requests.set(key, { value: 1, labels: labelText({ transport, code: String(code) }) })
    }
  }

  write(out: Exposition): void {
    const add: Add = (name, help, values, type = 'gauge') =>
      out.add({ name, help, type }, typeof values === 'number' ? [{ value: values }] : values)
    this.#writeServer(add)
    this.#writeRequests(add)
    this.#writeClients(add)
  }

  #writeServer(add: Add): void {
    const { core, facts, mqtt, fleet } = this.#parts
    const { warnings, printer } = core
    add('moonraker_warnings', 'Warnings that server.info lists', warnings.list().length)
    add('moonraker_components_failed', 'Components that failed', facts.failedComponents().length)
    add('moonraker_klippy_requests_waiting', 'Requests that wait for Klippy', printer.link.waiting)
    add(
      'moonraker_klippy_reconnects_total',
      'Connections to Klippy after the first',
      Math.max(0, printer.link.connects - 1),
      'counter',
    )
    const broker = mqtt()
    if (broker !== null) {
      add('moonraker_mqtt_connected', '1 while the MQTT broker is connected', Number(broker.connected))
    }
    const connection = fleet()
    if (connection !== null) {
      add(
        'moonraker_fleet_connected',
        '1 while the engine of the fleet is connected',
        Number(connection.connected),
      )
      add('moonraker_fleet_outbox_events', 'Events that wait for the fleet', connection.eventsWaiting)
    }
  }

  #writeRequests(add: Add): void {
    add(
      'moonraker_requests_total',
      'Requests by transport and status',
      [...this.#requests.values()],
      'counter',
    )
    add('moonraker_request_seconds', 'Time of requests until the reply', this.#times.samples(), 'histogram')
    add(
      'moonraker_database_commit_seconds',
      'Time of the commits of the database',
      this.#commits.samples(),
      'histogram',
    )
  }

  #writeClients(add: Add): void {
    const { connections } = this.#parts.core
    const open = new Map<string, number>()
    let unsent = 0
    for (const connection of connections) {
      open.set(connection.transport, (open.get(connection.transport) ?? 0) + 1)
      unsent += connection.unsent
    }
    const ofTransports = [...open].map(([transport, value]) => ({ value, labels: labelText({ transport }) }))
    const { statusMerged, slowClosed } = connections.counts
    add('moonraker_connections', 'Open connections of clients', ofTransports)
    add('moonraker_send_buffer_bytes', 'Bytes that clients have not read', unsent)
    add('moonraker_status_merged_total', 'Status updates merged for slow clients', statusMerged, 'counter')
    add('moonraker_slow_clients_closed_total', 'Clients disconnected for not reading', slowClosed, 'counter')
  }
}
