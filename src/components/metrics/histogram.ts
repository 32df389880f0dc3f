// A histogram: how many values were at most as large as each bound, for each set of labels.
import { type Labels, labelText, type Sample } from './exposition.ts'

/** Sets of labels of one histogram; more are not counted. */
const MAX_SETS = 20

interface Counts {
  readonly labels: string
  /** The labels of the buckets, the last one without a bound. */
  readonly bucketLabels: readonly string[]
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
    const bounds = [...this.#bounds.map(String), '+Inf']
    const counts = {
      labels: labelText(labels),
      bucketLabels: bounds.map(le => labelText({ ...labels, le })),
      buckets: this.#bounds.map(() => 0),
      sum: 0,
      count: 0,
    }
    this.#sets.set(key, counts)
    return counts
  }

  /** All series: the buckets, whose counts contain those of smaller bounds, the sum and the count. */
  samples(): Sample[] {
    const samples: Sample[] = []
    for (const { labels, bucketLabels, buckets, sum, count } of this.#sets.values()) {
      let below = 0
      for (const [index, bucket] of buckets.entries()) {
        below += bucket
        samples.push({ suffix: '_bucket', value: below, labels: bucketLabels[index] as string })
      }
      samples.push(
        { suffix: '_bucket', value: count, labels: bucketLabels.at(-1) as string },
        { suffix: '_sum', value: sum, labels },
        { suffix: '_count', value: count, labels },
      )
    }
    return samples
  }
}
