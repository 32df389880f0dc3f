// Look-ahead: the highest speeds at the junctions of moves that corners, accelerations and later moves allow.

import type { Move } from './move.ts'

/** Seconds of new moves after which the queue is planned, as in Klipper. */
const FLUSH_TIME = 0.15

/**
 * A queue of moves whose end speeds are not final yet.
 * Corner speeds follow Klipper's documented kinematics: junction deviation from square_corner_velocity, the
 * centripetal bound, and the extruder's instantaneous corner velocity.
 */
export class Lookahead {
  readonly #done: (moves: Move[]) => void
  #queue: Move[] = []
  #untilFlush = FLUSH_TIME
  /** Largest step of the extruder's speed in mm/s. */
  extruderCorner = 1

  /** `done` gets shaped moves in order, as soon as later moves cannot change them. */
  constructor(done: (moves: Move[]) => void) {
    this.#done = done
  }

  get empty(): boolean {
    return this.#queue.length === 0
  }

  add(move: Move): void {
    const previous = this.#queue.at(-1)
    move.maxStartV2 = previous === undefined ? 0 : this.#junctionV2(previous, move)
    this.#queue.push(move)
    this.#untilFlush -= move.minTime
    if (this.#untilFlush <= 0) this.#flush(true)
  }

  /** Finishes all moves: the last one ends in a stop. */
  flush(): void {
    this.#flush(false)
  }

  /** Drops all queued moves. */
  clear(): void {
    this.#queue = []
    this.#untilFlush = FLUSH_TIME
  }

  #junctionV2(previous: Move, move: Move): number {
    // An extruder-only move and a travel meet in a full stop.
    if (!previous.kinematic || !move.kinematic) return 0
    const reach = previous.maxStartV2 + 2 * previous.length * previous.accel
    const limit = Math.min(previous.maxCruiseV2, move.maxCruiseV2, reach)
    return Math.min(limit, this.#extruderV2(previous, move), cornerV2(previous, move))
  }

  #extruderV2(previous: Move, move: Move): number {
    const jump = Math.abs(move.de / move.length - previous.de / previous.length)
    return jump === 0 ? Number.POSITIVE_INFINITY : (this.extruderCorner / jump) ** 2
  }

  // Backwards from a stop: where a corner's own limit is below the speed from which the following moves can brake,
  // later moves have no influence, and all moves before it are final.
  #flush(lazy: boolean): void {
    this.#untilFlush = FLUSH_TIME
    const queue = this.#queue
    let settled = lazy ? 0 : queue.length
    let endV2 = 0
    for (let index = queue.length - 1; index >= 0; index--) {
      const move = queue[index]!
      move.endV2 = endV2
      const reachable = endV2 + 2 * move.length * move.accel
      if (reachable >= move.maxStartV2) {
        endV2 = move.maxStartV2
        if (settled === 0) settled = index
      } else endV2 = reachable
      move.startV2 = endV2
    }
    if (settled === 0) return
    const ready = queue.splice(0, settled)
    for (const move of ready) move.shape(move.startV2, peakV2(move), move.endV2)
    this.#done(ready)
  }
}

// The highest speed within a move: by acceleration, by minimum_cruise_ratio, and by the commanded speed.
function peakV2(move: Move): number {
  const { startV2, endV2, length } = move
  const middle = (startV2 + endV2) / 2
  const gentle = Math.max(middle + length * move.accelToDecel, startV2, endV2)
  return Math.min(middle + length * move.accel, gentle, move.maxCruiseV2)
}

function cornerV2(previous: Move, move: Move): number {
  const cos =
    -(previous.dx * move.dx + previous.dy * move.dy + previous.dz * move.dz) / (previous.length * move.length)
  const sinHalf = Math.sqrt(Math.max(0, (1 - cos) / 2))
  const cosHalf = Math.sqrt(Math.max(0, (1 + cos) / 2))
  if (sinHalf >= 1 || cosHalf <= 0) return Number.POSITIVE_INFINITY
  const radius = sinHalf / (1 - sinHalf)
  const byDeviation = Math.min(
    radius * move.junctionDeviation * move.accel,
    radius * previous.junctionDeviation * previous.accel,
  )
  const tangent = sinHalf / cosHalf / 2
  return Math.min(byDeviation, tangent * move.length * move.accel, tangent * previous.length * previous.accel)
}
