// Parses /proc/stat, /proc/meminfo and /proc/net/dev; their formats are in proc_stat(5) and related manual pages.

/** The time of a core in ticks, since the machine started. */
export interface CpuTimes {
  readonly total: number
  readonly idle: number
}

/** The cores by name, and `cpu` for all together, from /proc/stat. */
export function parseCpuTimes(text: string): Map<string, CpuTimes> {
  const times = new Map<string, CpuTimes>()
  // The lines of the cores come first. Other counters follow, some of them in very long lines.
  const end = text.search(/^(?!cpu)/m)
  for (const line of text.slice(0, end === -1 ? undefined : end).split('\n')) {
    if (line === '') continue
    const [name = '', ...columns] = line.split(/ +/)
    // The columns after steal are the time of guests, which user and nice contain already.
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
      columns.map(Number)
    const rest = idle + iowait
    times.set(name, { total: user + nice + system + irq + softirq + steal + rest, idle: rest })
  }
  return times
}

/** Memory in kB. */
export type Memory = Record<'total' | 'available' | 'used', number>

/** The values of /proc/meminfo; null if one is missing. */
export function parseMemory(text: string): Memory | null {
  const total = Number(/^MemTotal: +(\d+)/m.exec(text)?.[1])
  const available = Number(/^MemAvailable: +(\d+)/m.exec(text)?.[1])
  if (Number.isNaN(total) || Number.isNaN(available)) return null
  return { total, available, used: total - available }
}

/** The counters of a network interface. */
export interface Traffic {
  readonly rx_bytes: number
  readonly tx_bytes: number
  readonly rx_packets: number
  readonly tx_packets: number
  readonly rx_errs: number
  readonly tx_errs: number
  readonly rx_drop: number
  readonly tx_drop: number
}

/** The interfaces by name, from /proc/net/dev. */
export function parseTraffic(text: string): Map<string, Traffic> {
  const traffic = new Map<string, Traffic>()
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(':')
    if (colon === -1) continue
    const columns = line
      .slice(colon + 1)
      .trim()
      .split(/ +/)
      .map(Number)
    const at = (index: number) => columns[index] ?? 0
    traffic.set(line.slice(0, colon).trim(), {
      rx_bytes: at(0),
      tx_bytes: at(8),
      rx_packets: at(1),
      tx_packets: at(9),
      rx_errs: at(2),
      tx_errs: at(10),
      rx_drop: at(3),
      tx_drop: at(11),
    })
  }
  return traffic
}
