// The simulated bed: a slightly warped plate, so that probing finds something.

/** Height of the bed at a position, in mm relative to a flat one; within about 0.15. */
export function bedHeight(x: number, y: number): number {
  const bow = 0.06 * Math.sin(x / 74) * Math.cos(y / 91)
  const tilt = (x - 117) * 0.00025 - (y - 117) * 0.00018
  return bow + tilt
}
