// The temperatures of the last minutes in OctoPrint's form: points in time, where the data store has series.

/** What the data store kept of one sensor, the oldest first; one value a second. */
export interface Series {
  readonly temperatures: readonly (number | null)[]
  readonly targets?: readonly (number | null)[]
}

/** A point in time: `time` in seconds since the epoch, and heaters by OctoPrint's names. */
export type Point = Readonly<Record<string, number | { readonly actual: number; readonly target: number }>>

/** The last `limit` points before `now`, the oldest first. `names` are OctoPrint's by Klipper's. */
export function temperatureHistory(
  store: Readonly<Record<string, Series>>,
  names: ReadonlyMap<string, string>,
  limit: number,
  now: number,
): Point[] {
  const series = [...names].flatMap(([heater, name]) => {
    const kept = store[heater]
    return kept === undefined ? [] : [{ name, ...kept }]
  })
  const kept = Math.max(0, ...series.map(({ temperatures }) => temperatures.length))
  const ages = Array.from({ length: Math.min(limit, kept) }, (_, index) => index + 1).reverse()
  return ages.map(age => ({
    time: Math.floor(now) - age + 1,
    ...Object.fromEntries(
      series.flatMap(({ name, temperatures, targets }) => {
        const actual = temperatures.at(-age)
        return typeof actual === 'number' ? [[name, { actual, target: targets?.at(-age) ?? 0 }]] : []
      }),
    ),
  }))
}
