// Writes metrics in the text format of Prometheus (0.0.4) or in OpenMetrics (1.0).

/** A format of the reply. */
export type Format = 'text' | 'openmetrics'

/** The media types of the formats. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Series of one reply; further ones are counted, and left out. */
export const MAX_SERIES = 2000

/**
 * What a value means: a gauge goes up and down, a counter only up; a histogram counts values by their size, a summary has
 * quantiles.
 */
export type MetricType = 'gauge' | 'counter' | 'histogram' | 'summary'

/** A metric family: all series with the same name. */
export interface Family {
  readonly name: string
  readonly type: MetricType
  readonly help: string
}

/** Label values by label name. */
export type Labels = Readonly<Record<string, string>>

/** One series. */
export interface Sample {
  readonly value: number
  /** As `labelText` writes them; '' for none. */
  readonly labels?: string
  /** Follows the family's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string
}

/** The format that an Accept header requests; the text format unless OpenMetrics is preferred or equal. */
export function formatFor(accept: string | undefined): Format {
  let openmetrics = 0
  let text = 0
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...params] = range.split(';').map(part => part.trim())
    const quality = Number(params.find(param => param.startsWith('q='))?.slice(2) ?? 1)
    const version = params.find(param => param.startsWith('version='))?.slice(8)
    const isOurs = version === undefined || version === '1.0.0'
    if (type === 'application/openmetrics-text' && isOurs) openmetrics = Math.max(openmetrics, quality)
    if (type === 'text/plain') text = Math.max(text, quality)
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

/** The text of one family. */
interface Written {
  readonly head: string
  readonly series: string
}

/** A reply, or the part of a reply that is about one printer: families with their series. */
export class Exposition {
  readonly #format: Format
  /** What each series has in front of its own labels. */
  readonly #labels: string
  readonly #families = new Map<string, Written>()
  #series = 0
  #dropped = 0

  /** All series get `labels` in addition to their own. */
  constructor(format: Format, labels: Labels = {}) {
    this.#format = format
    this.#labels = labelText(labels)
  }

  /** Joins the parts of one reply: the series of a family stay together, in the order of the parts. */
  static join(format: Format, parts: readonly Exposition[]): string {
    const names = new Set(parts.flatMap(part => [...part.#families.keys()]))
    let text = ''
    for (const name of names) {
      let head = ''
      let series = ''
      for (const part of parts) {
        const written = part.#families.get(name)
        if (written === undefined) continue
        head ||= written.head
        series += written.series
      }
      text += head + series
    }
    return format === 'openmetrics' ? `${text}# EOF\n` : text
  }

  /** Series that were left out: those above the limit, and those whose labels another series has. */
  get dropped(): number {
    return this.#dropped
  }

  /** Counts series that the caller left out. */
  drop(count: number): void {
    this.#dropped += count
  }

  /** Adds a family; one without samples is left out. Throws Error for a second family of the same name. */
  add(family: Family, samples: readonly Sample[]): void {
    // One series is reserved for the count of those that are left out.
    this.#write(family, samples, MAX_SERIES - 1)
  }

  /** Adds the last family, of one series: there is always room for it. */
  addLast(family: Family, value: number): void {
    this.#write(family, [{ value }], MAX_SERIES)
  }

  #write({ name, type, help }: Family, samples: readonly Sample[], limit: number): void {
    // A single sample cannot have the labels of another.
    const known = samples.length > 1 ? new Set<string>() : null
    let text = ''
    for (const { value, labels = '', suffix = '' } of samples) {
      if (this.#series >= limit || known?.has(suffix + labels) === true) this.#dropped += 1
      else {
        known?.add(suffix + labels)
        text += `${name}${suffix}${this.#braced(labels)} ${numberText(value)}\n`
        this.#series += 1
      }
    }
    if (text === '') return
    if (this.#families.has(name)) throw new Error(`two families are named ${name}`)
    this.#families.set(name, { head: this.#head(name, type, help), series: text })
  }

  #braced(labels: string): string {
    if (this.#labels === '') return labels === '' ? '' : `{${labels}}`
    return labels === '' ? `{${this.#labels}}` : `{${this.#labels},${labels}}`
  }

  /** In OpenMetrics each series of a counter ends in `_total`, and the name of its family does not. */
  #head(name: string, type: MetricType, help: string): string {
    let [family, shown]: [string, string] = [name, type]
    if (this.#format === 'openmetrics' && type === 'counter') {
      if (name.endsWith('_total')) family = name.slice(0, -'_total'.length)
      else shown = 'unknown'
    }
    return `# HELP ${family} ${help}\n# TYPE ${family} ${shown}\n`
  }

  /** The reply that has no other part. */
  toString(): string {
    return Exposition.join(this.#format, [this])
  }
}

/**
 * A name of Klipper's or of the machine's as a label value, as prometheus-klipper-exporter writes it: `-` becomes `_`,
 * other special characters are left out.
 */
export function plainLabel(name: string): string {
  return name.replaceAll('-', '_').replace(/[^a-zA-Z0-9_]/g, '')
}

/** Labels as a document has them, without the braces. */
export function labelText(labels: Labels): string {
  let text = ''
  for (const name in labels) {
    const pair = `${name}="${escapeLabel(labels[name] as string)}"`
    text = text === '' ? pair : `${text},${pair}`
  }
  return text
}

function escapeLabel(value: string): string {
  if (!/["\\\n]/.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
