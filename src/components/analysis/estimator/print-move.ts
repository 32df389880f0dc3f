// A move with the place in the file that it comes from.
import { type MotionLimits, Move } from '../../../motion/move.ts'

/** Where a move belongs. */
export interface MoveOrigin {
  /** Offset in bytes after the move's line. */
  offset: number
  /** Indices in the lists of the tally. */
  layer: number
  feature: number
}

export class PrintMove extends Move {
  readonly offset: number
  layer: number
  readonly feature: number

  constructor(
    start: Float64Array,
    end: Float64Array,
    speed: number,
    limits: MotionLimits,
    { offset, layer, feature }: MoveOrigin,
  ) {
    super(start, end, speed, limits)
    this.offset = offset
    this.layer = layer
    this.feature = feature
  }
}
