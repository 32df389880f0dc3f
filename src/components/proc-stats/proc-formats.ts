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
  for (let start = 0; text.startsWith('cpu', start); ) {
    const end = endOfLine(text, start)
    const space = text.indexOf(' ', start)
    // The columns after steal are the time of guests, which user and nice contain already.
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
      numbersBetween(text, space, end)
    const rest = idle + iowait
    const total = user + nice + system + irq + softirq + steal + rest
    times.set(text.slice(start, space), { total, idle: rest })
    start = end + 1
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
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = endOfLine(text, start)
    const colon = text.lastIndexOf(':', end)
    if (colon < start) continue
    const columns = numbersBetween(text, colon, end)
    const at = (index: number) => columns[index] ?? 0
    traffic.set(text.slice(start, colon).trim(), {
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

/** The resident pages of a process, from its /proc/PID/statm; NaN for another text. */
export function parseResidentPages(text: string): number {
  return Number(text.split(' ', 2)[1])
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

const ZERO = 0x30

/** The whole numbers in a part of a text. Character by character: strings and a list of them would cost ten times as much. */
function numbersBetween(text: string, start: number, end: number): number[] {
  const numbers: number[] = []
  let number = -1
  for (let index = start; index <= end; index += 1) {
    const digit = index < end ? text.charCodeAt(index) - ZERO : -1
    if (digit >= 0 && digit <= 9) number = Math.max(number, 0) * 10 + digit
    else if (number >= 0) {
      numbers.push(number)
      number = -1
    }
  }
  return numbers
}
