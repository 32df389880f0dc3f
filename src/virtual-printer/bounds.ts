// The range of a number in a configuration or a command, in Klipper's words.

/** `min` and `max` belong to the range, `above` and `below` do not. */
export interface Bounds {
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
}

/** How `value` violates the range, as the end of a sentence; undefined for a value in the range. `write` writes a bound. */
export function boundsError(
  value: number,
  { min, max, above, below }: Bounds,
  write: (bound: number) => string = String,
): string | undefined {
  if (min !== undefined && value < min) return `must have minimum of ${write(min)}`
  if (max !== undefined && value > max) return `must have maximum of ${write(max)}`
  if (above !== undefined && value <= above) return `must be above ${write(above)}`
  if (below !== undefined && value >= below) return `must be below ${write(below)}`
  return undefined
}

/** A number as Python writes a float. */
export function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
