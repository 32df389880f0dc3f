// Look-ahead: the highest speeds at the junctions of moves that corners, accelerations and later moves allow.
import type { Move } from './move.ts'

/** Seconds of new moves after which the queue is planned, as in Klipper. */
const FLUSH_TIME = 0.15
/** Moves after which the queue is planned even if later moves can still change it: a bound for endless tiny moves. */
const MAX_QUEUE = 20_000

/**
 * A queue of moves whose end speeds are not final yet.
 * Corner speeds follow Klipper's documented kinematics: junction deviation from square_corner_velocity, the
 * centripetal bound, and the extruder's instantaneous corner velocity.
 */
export class Lookahead {
  readonly #done: (moves: Move[]) => void
  #queue: Move[] = []
  #untilFlush = FLUSH_TIME
  /** Moves that the next lazy flush leaves alone: a queue that stays long is not planned again for each move. */
  #untried = 0
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
    if (previous !== undefined) this.#join(previous, move)
    this.#queue.push(move)
    this.#untilFlush -= move.minTime
    if (this.#queue.length >= MAX_QUEUE) this.#flush(false)
    else if (this.#untilFlush <= 0 && this.#queue.length >= this.#untried) this.#flush(true)
  }

  /** Finishes all moves: the last one ends in a stop. */
  flush(): void {
    this.#flush(false)
  }

  /** Drops all queued moves. */
  clear(): void {
    this.#queue = []
    this.#untilFlush = FLUSH_TIME
    this.#untried = 0
  }

  /** Sets the highest speeds at which `move` can start. A move of the extruder alone starts and ends in a full stop. */
  #join(previous: Move, move: Move): void {
    if (!previous.kinematic || !move.kinematic) return
    const reachV2 = previous.maxStartV2 + previous.deltaV2
    const cruiseV2 = Math.min(previous.maxCruiseV2, move.maxCruiseV2, reachV2)
    const startV2 = Math.min(cruiseV2, this.#extruderV2(previous, move), cornerV2(previous, move))
    move.maxStartV2 = startV2
    move.maxGentleStartV2 = Math.min(startV2, previous.maxGentleStartV2 + previous.gentleDeltaV2)
  }

  #extruderV2(previous: Move, move: Move): number {
    const jump = Math.abs(move.de * move.inverseLength - previous.de * previous.inverseLength)
    return jump === 0 ? Number.POSITIVE_INFINITY : (this.extruderCorner / jump) ** 2
  }

  #flush(lazy: boolean): void {
    this.#untilFlush = FLUSH_TIME
    const settled = planBackwards(this.#queue, lazy)
    this.#untried = settled === 0 ? this.#queue.length * 1.5 : 0
    if (settled === 0) return
    const ready = this.#queue.splice(0, settled)
    let previousCruiseV2 = 0
    for (const move of ready) {
      // A move without a peak of its own brakes from the cruising speed before it.
      const cruiseV2 = move.cruiseV2 === NO_PEAK ? Math.min(previousCruiseV2, move.startV2) : move.cruiseV2
      move.shape(Math.min(move.startV2, cruiseV2), cruiseV2, Math.min(move.endV2, cruiseV2))
      previousCruiseV2 = cruiseV2
    }
    this.#done(ready)
  }
}

/** The cruising speed of a move that brakes, until that of the moves before it is known. */
const NO_PEAK = -1

/**
 * Goes backwards from a stop after the last move and sets the speeds at the ends of each move, and its cruising speed
 * where it can accelerate. For minimum_cruise_ratio it follows a second, gentle profile with the lower acceleration: the
 * peak of that profile bounds the cruising speed of the moves around it. Returns how many moves are final; with `lazy`
 * only those before the last peak are, since later moves can raise it.
 */
function planBackwards(queue: readonly Move[], lazy: boolean): number {
  let settled = lazy ? 0 : queue.length
  let endV2 = 0
  let gentleEndV2 = 0
  let peakV2 = 0
  let braking = 0
  for (let index = queue.length - 1; index >= 0; index--) {
    const move = queue[index]!
    const reachV2 = endV2 + move.deltaV2
    const gentleReachV2 = gentleEndV2 + move.gentleDeltaV2
    const gentleStartV2 = Math.min(move.maxGentleStartV2, gentleReachV2)
    const startV2 = Math.min(move.maxStartV2, reachV2)
    move.endV2 = endV2
    move.startV2 = startV2
    if (gentleStartV2 < gentleReachV2) {
      if (braking > 0 || gentleStartV2 + move.gentleDeltaV2 > gentleEndV2) {
        if (settled === 0 && peakV2 > 0) settled = index + 1 + braking
        peakV2 = (gentleStartV2 + gentleReachV2) / 2
      }
      move.cruiseV2 = Math.min((startV2 + reachV2) / 2, move.maxCruiseV2, peakV2)
      braking = 0
    } else {
      move.cruiseV2 = NO_PEAK
      braking++
    }
    endV2 = startV2
    gentleEndV2 = gentleStartV2
  }
  return settled
}

/**
 * Computed in the order of Klipper: for a square_corner_velocity of 0, the last digit decides whether a line in pieces
 * stops between them.
 */
function cornerV2(previous: Move, move: Move): number {
  const [before, after] = [previous.inverseLength, move.inverseLength]
  const cos = -(
    move.dx * after * (previous.dx * before) +
    move.dy * after * (previous.dy * before) +
    move.dz * after * (previous.dz * before)
  )
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
