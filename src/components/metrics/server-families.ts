// The metrics that come from the server's own API, under the names and labels of prometheus-klipper-exporter.
import type { ResultOf } from '../../api/endpoint.ts'
import type { Api } from '../../api/index.ts'
import type { Core } from '../../component/component.ts'
import { withTimeout } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { isPrintActive } from '../../klippy/printer.ts'
import { callMethod } from '../../rpc/call-method.ts'
import type { Job } from '../../storage/index.ts'
import type { FilesService } from '../files/service.ts'
import type { MachineServices } from '../machine/service.ts'
import type { SpoolmanService } from '../spoolman/service.ts'
import {
  type Exposition,
  type Labels,
  labelText,
  type MetricType,
  plainLabel,
  type Sample,
} from './exposition.ts'
import { KeptValue } from './kept-value.ts'
import { type Spool, spoolList, writeSpools } from './spool-list.ts'

/** Seconds that all methods have for their replies; what is late is absent. */
const TIMEOUT = 2
/** Seconds until the space on a disk is read again. */
const DISK_PERIOD = 10

type Reply<M extends keyof Api> = ResultOf<Api[M]>
type DiskUsage = Awaited<ReturnType<FilesService['diskUsage']>>

/** Adds one family. */
type Add = (name: string, help: string, values: number | null | readonly Sample[], type?: MetricType) => void

/** Writes the metrics of one method's reply. */
type Write<M extends keyof Api> = (reply: Reply<M>, add: Add) => void

const one = (labels: Labels): Sample => ({ value: 1, labels: labelText(labels) })

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
      labels: labelText({ interface: plainLabel(name) }),
    }))
    add(`network_${field}`, help, samples, type)
  }
}

type ServiceStates = MachineServices['states']
type ServiceState = ServiceStates extends ReadonlyMap<string, infer S> ? S : never

/** The cores of the machine, and its services with their states. */
interface System {
  readonly cores: number | null
  readonly services: ServiceStates
}

const writeSystem = ({ cores, services }: System, add: Add): void => {
  const each = (labelsOf: (state: ServiceState) => Labels) =>
    Array.from(services, ([name, state]) => one({ service: plainLabel(name), ...labelsOf(state) }))
  add('system_cpu_count', 'Cores of the machine', cores)
  add(
    'service_available',
    'A service that the server manages',
    each(() => ({})),
  )
  add(
    'service_state_info',
    'State of a service',
    each(({ active_state }) => ({ state: active_state })),
  )
  add(
    'service_sub_state_info',
    'Detailed state of a service',
    each(({ sub_state }) => ({ sub_state })),
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

/** The present job; its values are 0 without one. */
const writeJob = (job: Job | null, add: Add): void => {
  const present = (value: unknown) => (typeof value === 'number' ? value : 0)
  const { object_height, first_layer_height, layer_height } = job?.metadata ?? {}
  add('current_print_object_height', 'Height of the object, in mm', present(object_height))
  add('current_print_first_layer_height', 'Height of the first layer, in mm', present(first_layer_height))
  add('current_print_layer_height', 'Height of a layer, in mm', present(layer_height))
  add('current_print_total_duration', 'Time since the start of the job, in s', present(job?.total_duration))
}

const writePower: Write<'machine.device_power.devices'> = ({ devices }, add) => {
  const named = devices.map(({ device, type, status }) => ({ device: plainLabel(device), type, status }))
  add(
    'power_device_info',
    'A power device',
    named.map(({ device, type }) => one({ device, type })),
  )
  add(
    'power_device_status',
    '1 while the device is on',
    named.map(({ device, status }) => ({
      value: Number(status === 'on'),
      labels: labelText({ device }),
    })),
  )
  add(
    'power_device_state_info',
    'State of a power device',
    named.map(({ device, status }) => one({ device, state: status })),
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
const writeDisk = (usage: DiskUsage | null, add: Add): void => {
  const { total = null, used = null, free = null } = usage ?? {}
  add('disk_usage_total', 'Space on the disk of the G-code files, in bytes', total)
  add('disk_usage_used', 'Used space on that disk, in bytes', used)
  add('disk_usage_available', 'Free space on that disk, in bytes', free)
}

/** What the metrics are read from. */
interface Parts {
  readonly core: Core
  readonly files: FilesService
  /** Null while the machine's services are not known. */
  readonly machine: () => MachineServices | null
  /** Null without [spoolman]. */
  readonly spoolman: () => SpoolmanService | null
}

export class ServerFamilies {
  readonly #parts: Parts
  readonly #spools: KeptValue<Spool[]>
  readonly #disk: KeptValue<DiskUsage>
  #cores: number | null = null

  constructor(parts: Parts) {
    const { core, files, spoolman } = parts
    const { clock, log } = core
    this.#parts = parts
    this.#spools = spoolList(spoolman, core)
    this.#disk = new KeptValue({
      what: 'the disk',
      read: () => files.diskUsage('gcodes'),
      period: DISK_PERIOD,
      retry: DISK_PERIOD,
      clock,
      log,
    })
  }

  /** Writes the metrics of everything that replies in time. */
  async write(out: Exposition): Promise<void> {
    const reads = [
      this.#read('server.info', writeServer),
      this.#read('machine.proc_stats', writeLoad),
      this.#attempt('the machine', () => this.#readSystem(), writeSystem),
      this.#read('server.job_queue.status', writeQueue),
      this.#read('server.history.totals', writeTotals),
      this.#attempt('the job', async () => this.#presentJob(), writeJob),
      this.#read('machine.device_power.devices', writePower),
      this.#read('server.spoolman.status', writeSpoolman),
      this.#attempt('the spools', async () => (await this.#spools.get()) ?? [], writeSpools),
      this.#attempt('the disk', () => this.#disk.get(), writeDisk),
    ]
    const writes: (((add: Add) => void) | null)[] = reads.map(() => null)
    const all = Promise.all(
      reads.map(async (read, index) => {
        writes[index] = await read
      }),
    )
    // One time limit for all of them.
    await withTimeout(this.#parts.core.clock, TIMEOUT, all, () => new Error('late')).catch(() => {})
    const add: Add = (name, help, values, type = 'gauge') => {
      if (values === null) return
      out.add(
        { name: `klipper_${name}`, help, type },
        typeof values === 'number' ? [{ value: values }] : values,
      )
    }
    for (const write of writes) write?.(add)
  }

  /** The cores are read once: machine.system_info reads many files. */
  async #readSystem(): Promise<System> {
    const { core, machine } = this.#parts
    if (this.#cores === null && core.registry.has('machine.system_info')) {
      const { system_info } = await callMethod(core, 'machine.system_info', {})
      this.#cores = system_info.cpu_info.cpu_count
    }
    return { cores: this.#cores, services: machine()?.states ?? new Map() }
  }

  /** The job that the printer prints, as the history has it. */
  #presentJob(): Job | null {
    const { printer, storage } = this.#parts.core
    if (!isPrintActive(printer.lastStatus.print_stats?.state)) return null
    const [job] = storage.jobs.list({ limit: 1, start: 0, order: 'desc' })
    return job?.status === 'in_progress' ? job : null
  }

  /** Calls a method, if it is served. */
  async #read<M extends keyof Api>(method: M, write: Write<M>): Promise<((add: Add) => void) | null> {
    const { core } = this.#parts
    if (!core.registry.has(method)) return null
    return this.#attempt(method, () => callMethod(core, method, {}), write)
  }

  /** Reads something; resolves with what writes its metrics, or with null if it cannot be read. */
  async #attempt<T>(
    what: string,
    read: () => Promise<T>,
    write: (read: T, add: Add) => void,
  ): Promise<((add: Add) => void) | null> {
    try {
      const value = await read()
      return add => write(value, add)
    } catch (error) {
      this.#parts.core.log.debug(`no metrics of ${what}: ${messageOf(error)}`)
      return null
    }
  }
}
