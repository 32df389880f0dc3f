// The metrics of the status objects of one printer: which objects to follow, and their series.
import type { StatusChange } from '../../api/printer.ts'
import type { ObjectRequest } from '../../klippy/object-request.ts'
import { type Exposition, type Labels, MAX_SERIES, plainLabel } from './exposition.ts'
import { KINDS, type Kind } from './object-kinds.ts'

/** An object with metrics. */
interface Chosen {
  readonly object: string
  readonly labels: Labels
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
      const labels = label === null ? {} : { [label]: plainLabel(name) }
      this.#chosen.get(kind)?.push({ object, labels })
      return [[object, [...new Set(metrics.flatMap(({ fields }) => fields))]]]
    }
    return []
  }

  /** Writes the metrics of `status`; values that Klippy has not sent are left out. */
  write(status: StatusChange, out: Exposition): void {
    for (const [{ metrics }, chosen] of this.#chosen) {
      for (const metric of metrics) {
        const samples = chosen.flatMap(({ object, labels: own }) =>
          metric
            .read(status[object] ?? {})
            .map(({ value, labels }) => ({ value, labels: { ...own, ...labels } })),
        )
        out.add(metric, samples)
      }
    }
    out.drop(this.#dropped)
  }
}
