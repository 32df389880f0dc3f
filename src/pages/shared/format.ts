// Times, sizes and temperatures as people read them. Every function accepts what a status may lack, and shows a dash.

/** Shown in place of a value that is not known. */
export const UNKNOWN = '–'

/** A number of a status; null if it is something else. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A duration in seconds, as `2 h 05 min`, `12 min` or `45 s`. */
export function duration(value: unknown): string {
  const seconds = numberOf(value)
  if (seconds === null || seconds < 0) return UNKNOWN
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The time of day, with the weekday or the date if it is not today. Both in milliseconds since the epoch. */
export function moment(time: number, now: number): string {
  const date = new Date(time)
  const clock = date.toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' })
  if (date.toDateString() === new Date(now).toDateString()) return clock
  const isNear = Math.abs(time - now) < 6 * 86_400_000
  const day = isNear ? { weekday: 'short' as const } : { day: 'numeric' as const, month: 'short' as const }
  return `${date.toLocaleDateString([], day)} ${clock}`
}

/** How long ago something was, in seconds: `just now`, `12 min ago`, `3 h ago`, `2 days ago`. */
export function ago(seconds: number): string {
  if (seconds < 60) return 'just now'
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  const days = Math.floor(seconds / 86_400)
  return days === 1 ? 'yesterday' : `${days} days ago`
}

/** A temperature in °C: with one decimal, targets without. */
export function temperature(value: unknown, decimals = 1): string {
  const degrees = numberOf(value)
  return degrees === null ? UNKNOWN : `${degrees.toFixed(decimals)} °C`
}

/** A part of a whole, 0 to 1, in percent. */
export function percent(value: unknown): string {
  const part = numberOf(value)
  return part === null ? UNKNOWN : `${Math.floor(Math.min(1, Math.max(0, part)) * 100)} %`
}

/** A length of filament in mm, as metres. */
export function filament(value: unknown): string {
  const millimetres = numberOf(value)
  if (millimetres === null) return UNKNOWN
  return `${(millimetres / 1000).toFixed(millimetres < 10_000 ? 2 : 1)} m`
}

/** A size in bytes, as `3.4 MB`. */
export function bytes(value: unknown): string {
  const size = numberOf(value)
  if (size === null) return UNKNOWN
  if (size < 1000) return `${size} B`
  if (size < 1e6) return `${Math.round(size / 1000)} kB`
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(1)} GB`
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
