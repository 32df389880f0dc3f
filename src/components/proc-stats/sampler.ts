// Measures the load of the machine and of this process; rates are those since the previous sample.
import { uptime } from 'node:os'
import type { ProcStatUpdate } from '../../api/machine.ts'
import type { Infer } from '../../schema/index.ts'
import type { ProcFiles } from './proc-files.ts'
import {
  type CpuTimes,
  parseCpuTimes,
  parseMemory,
  parseResidentPages,
  parseTraffic,
  type Traffic,
} from './proc-formats.ts'

/** One sample, from /proc and this process. */
export type Sample = Omit<Infer<typeof ProcStatUpdate>, 'websocket_connections' | 'cpu_temp'>

/** The counters from which the next sample computes its rates. */
interface Counts {
  /** Monotonic time, s. */
  readonly at: number
  /** Processor time of this process, µs. */
  readonly process: number
  readonly cpus: ReadonlyMap<string, CpuTimes>
  readonly traffic: ReadonlyMap<string, Traffic>
}

const NO_CPU: CpuTimes = { total: 0, idle: 0 }

export class Sampler {
  readonly #files: ProcFiles
  #before: Counts | null = null
  /** Bytes of a page of memory. */
  #pageSize: number | null = null

  constructor(files: ProcFiles) {
    this.#files = files
  }

  /** Measures. `now` is the time since the epoch, `monotonic` the monotonic time, both in seconds. */
  sample(now: number, monotonic: number): Sample {
    const { user, system } = process.cpuUsage()
    const counts: Counts = {
      at: monotonic,
      process: user + system,
      cpus: parseCpuTimes(this.#files.read('/proc/stat')),
      traffic: parseTraffic(this.#files.read('/proc/net/dev')),
    }
    const before = this.#before
    this.#before = counts
    const memory = Math.floor(this.#resident() / 1024)
    return {
      moonraker_stats: { time: now, cpu_usage: processUsage(counts, before), memory, mem_units: 'kB' },
      network: network(counts, before),
      system_cpu_usage: cpuUsage(counts, before),
      system_memory: parseMemory(this.#files.read('/proc/meminfo')) ?? {},
    }
  }

  /** Resident memory of this process, bytes. Node's own function opens a file each time. */
  #resident(): number {
    const pages = parseResidentPages(this.#files.read('/proc/self/statm'))
    if (Number.isNaN(pages)) return process.memoryUsage.rss()
    // No function of Node returns the size, a power of two. Both readings differ by less than that.
    this.#pageSize ??= 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages))
    return pages * this.#pageSize
  }

  /** Closes the files that samples keep open. */
  close(): void {
    this.#files.close()
  }

  /** Seconds since the machine started. */
  uptime(): number {
    const text = this.#files.read('/proc/uptime')
    return Number(text.slice(0, text.indexOf(' '))) || uptime()
  }
}

function processUsage(counts: Counts, before: Counts | null): number {
  if (before === null) return 0
  return twoDecimals((counts.process - before.process) / 1e4 / (counts.at - before.at))
}

/** The first sample is the mean since the machine started. */
function cpuUsage({ cpus }: Counts, before: Counts | null): Record<string, number> {
  const usage = new Map<string, number>()
  for (const [name, { total, idle }] of cpus) {
    const earlier = before?.cpus.get(name) ?? NO_CPU
    const passed = total - earlier.total
    // The kernel's idle time may decrease a little.
    const busy = passed > 0 ? Math.min(100, 100 - (100 * (idle - earlier.idle)) / passed) : 0
    usage.set(name, twoDecimals(busy))
  }
  return Object.fromEntries(usage)
}

function network(counts: Counts, before: Counts | null): Sample['network'] {
  const interfaces = new Map<string, Sample['network'][string]>()
  for (const [name, traffic] of counts.traffic) {
    const earlier = before?.traffic.get(name)
    const bandwidth = before && earlier ? bytesBetween(earlier, traffic) / (counts.at - before.at) : 0
    interfaces.set(name, { ...traffic, bandwidth: twoDecimals(bandwidth) })
  }
  return Object.fromEntries(interfaces)
}

function bytesBetween(earlier: Traffic, later: Traffic): number {
  return later.rx_bytes - earlier.rx_bytes + later.tx_bytes - earlier.tx_bytes
}

/** Never negative: the counters of an interface that was removed start at 0 again. */
function twoDecimals(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.round(value * 100) / 100 : 0
}
