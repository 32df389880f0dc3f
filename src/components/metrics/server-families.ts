// The metrics that come from the server's own API, under the names and labels of prometheus-klipper-exporter.
import type { ResultOf } from '../../api/endpoint.ts'
import type { Api } from '../../api/index.ts'
import type { Core } from '../../component/component.ts'
import { withTimeout } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { callMethod } from '../../rpc/call-method.ts'
import type { FilesService } from '../files/service.ts'
import type { SpoolmanService } from '../spoolman/service.ts'
import { type Exposition, type Labels, type MetricType, plainLabel, type Sample } from './exposition.ts'
import { SpoolList, writeSpools } from './spool-list.ts'

/** Seconds that one method has for its reply; its metrics are absent after that. */
const TIMEOUT = 2

type Reply<M extends keyof Api> = ResultOf<Api[M]>
type DiskUsage = Awaited<ReturnType<FilesService['diskUsage']>>

/** Adds one family. */
type Add = (name: string, help: string, values: number | null | readonly Sample[], type?: MetricType) => void

/** Writes the metrics of one method's reply. */
type Write<M extends keyof Api> = (reply: Reply<M>, add: Add) => void

const one = (labels: Labels): Sample => ({ value: 1, labels })

const writeServer: Write<'server.info'> = (reply, add) => {
  const { components, failed_components, moonraker_version, api_version_string } = reply
  const named = (label: string, names: readonly string[]) => names.map(name => one({ [label]: name }))
  add('component_info', 'A component that works', named('component', components))
  add('component_failed_info', 'A component that failed', named('failed_component', failed_components))
  add('moonraker_version_info', 'Version of the server', [one({ version: moonraker_version })])
  add('api_version_info', 'Version of the API', [one({ version: api_version_string })])
}

const INTERFACE = [
  ['rx_bytes', 'Bytes received', 'counter'],
  ['tx_bytes', 'Bytes sent', 'counter'],
  ['rx_packets', 'Packets received', 'counter'],
  ['tx_packets', 'Packets sent', 'counter'],
  ['rx_errs', 'Packets received with errors', 'counter'],
  ['tx_errs', 'Packets that could not be sent', 'counter'],
  ['rx_drop', 'Received packets that were dropped', 'counter'],
  ['tx_drop', 'Packets that were dropped before they were sent', 'counter'],
  ['bandwidth', 'Bytes per second in both directions', 'gauge'],
] as const

const writeLoad: Write<'machine.proc_stats'> = (reply, add) => {
  const last = reply.moonraker_stats.at(-1)
  const { total = null, available = null, used = null } = reply.system_memory
  add('moonraker_memory_kb', 'Resident memory of the server, in kB', last?.memory ?? null)
  add('moonraker_cpu_usage', 'Load of the server, in % of one core', last?.cpu_usage ?? null)
  add('moonraker_websocket_connections', 'Open WebSockets', reply.websocket_connections)
  add('system_cpu_temp', 'Temperature of the processor, in °C', reply.cpu_temp)
  add('system_cpu', 'Load of all cores together, in %', reply.system_cpu_usage.cpu ?? null)
  add('system_memory_total', 'Memory of the machine, in kB', total)
  add('system_memory_available', 'Available memory of the machine, in kB', available)
  add('system_memory_used', 'Used memory of the machine, in kB', used)
  add('system_uptime', 'Time since the start of the machine, in s', reply.system_uptime, 'counter')
  const { bits = null, flags = [] } = reply.throttled_state ?? {}
  add('system_throttled_bits', 'Why the firmware throttles the processor, as bits', bits)
  add(
    'system_throttled_flag_info',
    'Why the firmware throttles the processor',
    flags.map(flag => one({ flag })),
  )
  for (const [field, help, type] of INTERFACE) {
    const samples = Object.entries(reply.network).map(([name, counts]) => ({
      value: counts[field],
      labels: { interface: plainLabel(name) },
    }))
    add(`network_${field}`, help, samples, type)
  }
}

const writeSystem: Write<'machine.system_info'> = ({ system_info }, add) => {
  const { cpu_info, available_services: services, service_state } = system_info
  const each = (labelsOf: (name: string) => Labels) =>
    services.map(name => one({ service: plainLabel(name), ...labelsOf(name) }))
  add('system_cpu_count', 'Cores of the machine', cpu_info.cpu_count)
  add(
    'service_available',
    'A service that the server manages',
    each(() => ({})),
  )
  add(
    'service_state_info',
    'State of a service',
    each(name => ({ state: service_state[name]?.active_state ?? 'unknown' })),
  )
  add(
    'service_sub_state_info',
    'Detailed state of a service',
    each(name => ({ sub_state: service_state[name]?.sub_state ?? 'unknown' })),
  )
}

const writeQueue: Write<'server.job_queue.status'> = ({ queued_jobs, queue_state }, add) => {
  add('job_queue_length', 'Jobs in the queue', queued_jobs.length)
  add('job_queue_state_info', 'State of the queue', [one({ state: queue_state })])
}

const writeTotals: Write<'server.history.totals'> = ({ job_totals: totals }, add) => {
  add('total_jobs', 'Jobs of the history', totals.total_jobs)
  add('total_time', 'Time of all jobs, in s', totals.total_time)
  add('total_print_time', 'Time of all jobs without pauses, in s', totals.total_print_time)
  add('total_filament_used', 'Filament of all jobs, in mm', totals.total_filament_used)
  add('longest_job', 'Time of the longest job, in s', totals.longest_job)
  add('longest_print', 'Time of the longest job without pauses, in s', totals.longest_print)
}

const writeLastJob: Write<'server.history.list'> = ({ jobs }, add) => {
  const [job] = jobs
  if (job === undefined) return
  const isRunning = job.status === 'in_progress'
  const present = (value: unknown) => (isRunning && typeof value === 'number' ? value : 0)
  const { object_height, first_layer_height, layer_height } = job.metadata
  add('current_print_object_height', 'Height of the object, in mm', present(object_height))
  add('current_print_first_layer_height', 'Height of the first layer, in mm', present(first_layer_height))
  add('current_print_layer_height', 'Height of a layer, in mm', present(layer_height))
  add('current_print_total_duration', 'Time since the start of the job, in s', present(job.total_duration))
}

const writePower: Write<'machine.device_power.devices'> = ({ devices }, add) => {
  const each = (sampleOf: (device: (typeof devices)[number]) => Sample) =>
    devices.map(device => {
      const { value, labels } = sampleOf(device)
      return { value, labels: { device: plainLabel(device.device), ...labels } }
    })
  add(
    'power_device_info',
    'A power device',
    each(({ type }) => one({ type })),
  )
  add(
    'power_device_status',
    '1 while the device is on',
    each(({ status }) => ({ value: Number(status === 'on') })),
  )
  add(
    'power_device_state_info',
    'State of a power device',
    each(({ status }) => one({ state: status })),
  )
}

const writeSpoolman: Write<'server.spoolman.status'> = (reply, add) => {
  add('spoolman_connected', '1 while Spoolman is connected', Number(reply.spoolman_connected))
  add('spoolman_active_spool_id', 'Number of the active spool; -1 for none', reply.spool_id ?? -1)
  add(
    'spoolman_pending_reports',
    'Reports of use that Spoolman has not confirmed',
    reply.pending_reports.length,
  )
}

/** Writes the space on the disk of the G-code files. */
const writeDisk = ({ total, used, free }: DiskUsage, add: Add): void => {
  add('disk_usage_total', 'Space on the disk of the G-code files, in bytes', total)
  add('disk_usage_used', 'Used space on that disk, in bytes', used)
  add('disk_usage_available', 'Free space on that disk, in bytes', free)
}

/** What the metrics are read from. */
interface Parts {
  readonly core: Core
  readonly files: FilesService
  /** Null without [spoolman]. */
  readonly spoolman: () => SpoolmanService | null
}

export class ServerFamilies {
  readonly #core: Core
  readonly #files: FilesService
  readonly #spools: SpoolList

  constructor({ core, files, spoolman }: Parts) {
    this.#core = core
    this.#files = files
    this.#spools = new SpoolList(spoolman, core.clock, core.log)
  }

  /** Writes the metrics of everything that replies in time. */
  async write(out: Exposition): Promise<void> {
    const writes = await Promise.all([
      this.#prepare('server.info', writeServer),
      this.#prepare('machine.proc_stats', writeLoad),
      this.#prepare('machine.system_info', writeSystem),
      this.#prepare('server.job_queue.status', writeQueue),
      this.#prepare('server.history.totals', writeTotals),
      this.#prepare('server.history.list', writeLastJob, { limit: 1 }),
      this.#prepare('machine.device_power.devices', writePower),
      this.#prepare('server.spoolman.status', writeSpoolman),
      this.#attempt('the spools', () => this.#spools.read(), writeSpools),
      this.#attempt('the disk', () => this.#files.diskUsage('gcodes'), writeDisk),
    ])
    const add: Add = (name, help, values, type = 'gauge') => {
      if (values === null) return
      out.add(
        { name: `klipper_${name}`, help, type },
        typeof values === 'number' ? [{ value: values }] : values,
      )
    }
    for (const write of writes) write(add)
  }

  /** Calls a method, if it is served. */
  async #prepare<M extends keyof Api>(method: M, write: Write<M>, params = {}): Promise<(add: Add) => void> {
    const { registry } = this.#core
    if (!registry.has(method)) return () => {}
    return this.#attempt(method, () => callMethod({ registry }, method, params), write)
  }

  /** Reads something; resolves with what writes its metrics, or nothing if it cannot be read in time. */
  async #attempt<T>(
    what: string,
    read: () => Promise<T>,
    write: (read: T, add: Add) => void,
  ): Promise<(add: Add) => void> {
    const { clock, log } = this.#core
    try {
      const value = await withTimeout(clock, TIMEOUT, read(), () => new Error('no reply in time'))
      return add => write(value, add)
    } catch (error) {
      log.debug(`no metrics of ${what}: ${messageOf(error)}`)
      return () => {}
    }
  }
}
