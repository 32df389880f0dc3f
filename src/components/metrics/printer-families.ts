// The metrics of the status objects of one printer: which objects to follow, and their series.
import type { StatusChange } from '../../api/printer.ts'
import type { ObjectRequest } from '../../klippy/object-request.ts'
import { type Exposition, labelText, MAX_SERIES, plainLabel, type Sample } from './exposition.ts'
import { KINDS, type Kind, type Metric } from './object-kinds.ts'

/** An object with metrics, and its label as text. */
interface Chosen {
  readonly object: string
  readonly labels: string
}

export class PrinterFamilies {
  readonly #chosen = new Map<Kind, Chosen[]>(KINDS.map(kind => [kind, []]))
  #series = 0
  #dropped = 0
  /** What to subscribe to. */
  readonly request: ObjectRequest

  /** `objects` are the names of all objects of the printer. Those beyond the limit of series are left out. */
  constructor(objects: readonly string[]) {
    this.request = Object.fromEntries(objects.flatMap(object => this.#choose(object)))
  }

  #choose(object: string): [string, string[]][] {
    for (const kind of KINDS) {
      const name = kind.nameOf(object)
      if (name === undefined) continue
      const { label, metrics } = kind
      if (this.#series + metrics.length > MAX_SERIES) {
        this.#dropped += metrics.length
        return []
      }
      this.#series += metrics.length
      const labels = label === null ? '' : labelText({ [label]: plainLabel(name) })
      this.#chosen.get(kind)?.push({ object, labels })
      return [[object, [...new Set(metrics.flatMap(({ fields }) => fields))]]]
    }
    return []
  }

  /** Writes the metrics of `status`; values that Klippy has not sent are left out. */
  write(status: StatusChange, out: Exposition): void {
    for (const [{ metrics }, chosen] of this.#chosen) {
      if (chosen.length === 0) continue
      for (const metric of metrics) out.add(metric, samplesOf(metric, chosen, status))
    }
    out.drop(this.#dropped)
  }
}

function samplesOf(metric: Metric, chosen: readonly Chosen[], status: StatusChange): Sample[] {
  const samples: Sample[] = []
  for (const { object, labels } of chosen) {
    const fields = status[object]
    if (fields === undefined) continue
    const read = metric.read(fields)
    if (typeof read === 'number') samples.push({ value: read, labels })
    else if (read !== undefined)
      for (const { value, labels: own = '' } of read) samples.push({ value, labels: join(labels, own) })
  }
  return samples
}

function join(labels: string, own: string): string {
  return labels === '' ? own : `${labels},${own}`
}
