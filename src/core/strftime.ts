// Dates in the format of C's and Python's strftime, for options that have it. English names, local time.

const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

const padded = (value: number, length = 2) => String(value).padStart(length, '0')

const CODES: Readonly<Record<string, (date: Date) => string>> = {
  '%': () => '%',
  A: date => DAYS[date.getDay()] ?? '',
  B: date => MONTHS[date.getMonth()] ?? '',
  D: date => strftime('%m/%d/%y', date),
  F: date => strftime('%Y-%m-%d', date),
  H: date => padded(date.getHours()),
  I: date => padded(date.getHours() % 12 || 12),
  M: date => padded(date.getMinutes()),
  S: date => padded(date.getSeconds()),
  T: date => strftime('%H:%M:%S', date),
  Y: date => padded(date.getFullYear(), 4),
  a: date => (DAYS[date.getDay()] ?? '').slice(0, 3),
  b: date => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  d: date => padded(date.getDate()),
  f: date => padded(date.getMilliseconds() * 1000, 6),
  j: date => padded(dayOfYear(date), 3),
  m: date => padded(date.getMonth() + 1),
  p: date => (date.getHours() < 12 ? 'AM' : 'PM'),
  s: date => String(Math.floor(date.getTime() / 1000)),
  u: date => String(date.getDay() || 7),
  w: date => String(date.getDay()),
  y: date => padded(date.getFullYear() % 100),
}

/** `date` in the given format; unknown codes stay as they are. */
export function strftime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (text, code: string) => CODES[code]?.(date) ?? text)
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 0)
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  return (day - start) / 86_400_000
}
