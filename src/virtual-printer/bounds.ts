// The range of a number in a configuration or a command, in Klipper's words.

/** `min` and `max` belong to the range, `above` and `below` do not. */
export interface Bounds {
  readonly min?: number
  readonly max?: number
  readonly above?: number
  readonly below?: number
}

/** How `value` violates the range, as the end of a sentence; undefined for a value in the range. */
export function boundsError(value: number, { min, max, above, below }: Bounds): string | undefined {
  if (min !== undefined && value < min) return `must have minimum of ${min}`
  if (max !== undefined && value > max) return `must have maximum of ${max}`
  if (above !== undefined && value <= above) return `must be above ${above}`
  if (below !== undefined && value >= below) return `must be below ${below}`
  return undefined
}
