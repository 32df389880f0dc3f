// Delta machines: how far from the centre they reach, and where their moves are slower, since the towers move faster there
// than the head.
import type { Move } from './move.ts'

/** Distances in mm, as in printer.cfg. */
export interface DeltaShape {
  /** From the centre to the towers: delta_radius. */
  readonly radius: number
  readonly printRadius: number
  /** Of the shortest arm. */
  readonly armLength: number
}

/** Distances from the centre in mm. */
export interface DeltaReach {
  readonly most: number
  /** Moves beyond have half of the speed and acceleration. */
  readonly slow: number
  /** Moves beyond have a quarter of them. */
  readonly verySlow: number
}

/** How many times faster than the head the fastest tower moves, where moves become slow. */
const SLOW_RATIO = 3

/** The reach of a machine, by the rules of Klipper. */
export function deltaReach({ radius, printRadius, armLength }: DeltaShape): DeltaReach {
  const atRatio = (ratio: number) => Math.abs((ratio * armLength) / Math.hypot(ratio, 1) - radius)
  return {
    most: Math.min(printRadius, armLength - radius, atRatio(4 * SLOW_RATIO)),
    slow: atRatio(SLOW_RATIO),
    verySlow: atRatio(2 * SLOW_RATIO),
  }
}

/** Slows down a move that starts or ends far from the centre. `limits` are those of the configuration. */
export function limitOnDelta(
  move: Move,
  { slow, verySlow }: DeltaReach,
  { maxVelocity, maxAccel }: { readonly maxVelocity: number; readonly maxAccel: number },
): void {
  const start = Math.hypot(move.startX, move.startY)
  const end = Math.hypot(move.startX + move.dx, move.startY + move.dy)
  const farthest = Math.max(start, end)
  if (farthest <= slow) return
  const share = farthest > verySlow ? 0.25 : 0.5
  move.limit(maxVelocity * share, maxAccel * share)
}
