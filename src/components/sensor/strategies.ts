// How the value of a job is made from the values that a sensor measures during the job.
import type { STRATEGIES } from '../../api/sensors.ts'

type Strategy = (typeof STRATEGIES)[number]

/** Different values that `collect` keeps, the newest ones. */
const MAX_COLLECTED = 100

/** Makes one value of many. */
export interface Tracker {
  add(value: number): void
  readonly value: number | number[] | null
}

/** A tracker for a new job. `first` is the value before the job, if the tracker is to start with it. */
export function createTracker(strategy: Strategy, first: number | null): Tracker {
  if (strategy === 'delta') return delta(first)
  const tracker = TRACKERS[strategy]()
  if (first !== null) tracker.add(first)
  return tracker
}

/** The sum of the changes: what a meter that only counts up has counted during the job. */
function delta(first: number | null): Tracker {
  let last = first
  return reducer<number>(0, (sum, value) => {
    const change = last === null ? 0 : value - last
    last = value
    return sum + change
  })
}

const TRACKERS: Readonly<Record<Exclude<Strategy, 'delta'>, () => Tracker>> = {
  basic: () => reducer<number | null>(null, (_last, value) => value),
  accumulate: () => reducer<number>(0, (sum, value) => sum + value),
  average: () => {
    let count = 0
    return reducer<number>(0, (mean, value) => mean + (value - mean) / ++count)
  },
  maximum: () => reducer<number | null>(null, (most, value) => Math.max(most ?? value, value)),
  minimum: () => reducer<number | null>(null, (least, value) => Math.min(least ?? value, value)),
  collect: () =>
    reducer<number[]>([], (all, value) =>
      all.includes(value) ? all : [...all, value].slice(-MAX_COLLECTED),
    ),
}

function reducer<T extends Tracker['value']>(start: T, next: (before: T, value: number) => T): Tracker {
  let current = start
  return {
    add(value) {
      current = next(current, value)
    },
    get value() {
      return current
    },
  }
}
