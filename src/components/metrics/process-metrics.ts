// The metrics of the process, which all printers of a workshop share.
import { readdirSync } from 'node:fs'
import type { Host, HostPart } from '../../component/host.ts'
import { type Exposition, labelText, type MetricType, type Sample } from './exposition.ts'
import { LoopLag } from './loop-lag.ts'

export class ProcessMetrics {
  readonly #host: Host
  readonly #lag: LoopLag

  constructor(host: Host) {
    this.#host = host
    this.#lag = new LoopLag(host.clock)
  }

  /** `hold` is the time, in seconds, for which the event loop is measured from now on. */
  write(out: Exposition, hold: number): void {
    const files = openFiles()
    const { clock, version } = this.#host
    const { user, system } = process.cpuUsage()
    const labels = labelText({ version, node: process.versions.node })
    const add = (
      name: string,
      help: string,
      values: number | readonly Sample[],
      type: MetricType = 'gauge',
    ) => out.add({ name, help, type }, typeof values === 'number' ? [{ value: values }] : values)
    add('process_resident_memory_bytes', 'Resident memory of the process', process.memoryUsage.rss())
    add('process_cpu_seconds_total', 'Processor time of the process', (user + system) / 1e6, 'counter')
    add('process_start_time_seconds', 'Start of the process, since the epoch', clock.now() - process.uptime())
    if (files !== null) add('process_open_fds', 'Open files and sockets of the process', files)
    add(
      'moonraker_event_loop_lag_seconds',
      'How late the event loop ran, since the request before',
      this.#lag.samples(hold),
      'summary',
    )
    add('moonraker_build_info', 'Version of the server and of Node.js', [{ value: 1, labels }])
    add('moonraker_up_seconds', 'Time since the start of the process', process.uptime())
  }

  stop(): void {
    this.#lag.stop()
  }
}

/** Open files of the process; null where the system does not list them. */
function openFiles(): number | null {
  try {
    // One of them is the listing itself.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return null
  }
}

export const processMetrics: HostPart<ProcessMetrics> = {
  name: 'metrics of the process',
  create: host => new ProcessMetrics(host),
  stop: metrics => metrics.stop(),
}
