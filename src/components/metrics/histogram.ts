// A histogram: how many values were at most as large as each bound, for each set of labels.
import type { Labels, Sample } from './exposition.ts'

/** Sets of labels of one histogram; more are not counted. */
const MAX_SETS = 20

interface Counts {
  readonly labels: Labels
  readonly buckets: number[]
  sum: number
  count: number
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #sets = new Map<string, Counts>()

  /** `bounds` are in ascending order. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
  }

  /** Counts a value; `key` names the set of labels. */
  add(value: number, key = '', labels: Labels = {}): void {
    const counts = this.#sets.get(key) ?? this.#addSet(key, labels)
    if (counts === undefined) return
    counts.sum += value
    counts.count += 1
    const bucket = this.#bounds.findIndex(bound => value <= bound)
    if (bucket !== -1) counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1
  }

  #addSet(key: string, labels: Labels): Counts | undefined {
    if (this.#sets.size >= MAX_SETS) return undefined
    const counts = { labels, buckets: this.#bounds.map(() => 0), sum: 0, count: 0 }
    this.#sets.set(key, counts)
    return counts
  }

  /** All series: the buckets, whose counts contain those of smaller bounds, the sum and the count. */
  samples(): Sample[] {
    return [...this.#sets.values()].flatMap(({ labels, buckets, sum, count }) => {
      let below = 0
      const inBounds = this.#bounds.map((bound, index) => {
        below += buckets[index] ?? 0
        return { suffix: '_bucket', value: below, labels: { ...labels, le: String(bound) } }
      })
      return [
        ...inBounds,
        { suffix: '_bucket', value: count, labels: { ...labels, le: '+Inf' } },
        { suffix: '_sum', value: sum, labels },
        { suffix: '_count', value: count, labels },
      ]
    })
  }
}
