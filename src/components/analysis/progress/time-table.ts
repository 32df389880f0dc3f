// From a position in a file to a time: rows in order, with straight lines between them.

/** Rows of bytes and seconds. */
export type TimeRows = readonly (readonly [offset: number, seconds: number])[]

/** The seconds at a position; those of the first or last row before and after the table. Null for an empty table. */
export function timeAt(rows: TimeRows, position: number): number | null {
  const [first, last] = [rows[0], rows.at(-1)]
  if (first === undefined || last === undefined) return null
  if (position >= last[0]) return last[1]
  let [low, high] = [0, rows.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]![0] <= position) low = middle + 1
    else high = middle
  }
  const next = rows[low]!
  const before = rows[low - 1]
  if (before === undefined) return first[1]
  const share = (position - before[0]) / (next[0] - before[0])
  return before[1] + (next[1] - before[1]) * share
}
