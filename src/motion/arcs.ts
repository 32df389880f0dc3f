// G2 and G3: arcs as sequences of short straight moves, cut as Klipper's [gcode_arcs] cuts them.

/** A plane of arcs: the indices of its two axes and of the axis across, and the letters of the centre's offsets. */
export interface ArcPlane {
  readonly axes: readonly [first: number, second: number, across: number]
  readonly offsets: readonly ['I' | 'J', 'J' | 'K']
}

/** The planes by the command that selects them. */
export const ARC_PLANES: Readonly<Record<'G17' | 'G18' | 'G19', ArcPlane>> = {
  G17: { axes: [0, 1, 2], offsets: ['I', 'J'] },
  G18: { axes: [0, 2, 1], offsets: ['I', 'K'] },
  G19: { axes: [1, 2, 0], offsets: ['J', 'K'] },
}

/** An arc; positions are x, y, z in mm. */
export interface Arc {
  readonly start: ArrayLike<number>
  readonly end: ArrayLike<number>
  /** From the start to the centre, along the two axes of the plane; not both 0. */
  readonly offset: readonly [number, number]
  readonly plane: ArcPlane
  readonly clockwise: boolean
  /** Length of a piece in mm, above 0. */
  readonly resolution: number
}

/** The most pieces of one arc: one line of a file must not cause endless work. */
const MAX_PIECES = 100_000

/** A point of an arc. */
export interface ArcPoint {
  /** x, y, z in mm: one array for all points of an arc. */
  readonly position: Float64Array
  /** The share of the way that ends here, 0 to 1. */
  readonly share: number
  /** The number of pieces of the arc. */
  readonly pieces: number
}

/** The ends of the pieces of an arc, in order; the last one is the end of the arc. */
export function* arcPoints({ start, end, offset, plane, clockwise, resolution }: Arc): Generator<ArcPoint> {
  const [first, second, across] = plane.axes
  const [i, j] = offset
  const [centreX, centreY] = [start[first]! + i, start[second]! + j]
  const [toX, toY] = [end[first]! - centreX, end[second]! - centreY]
  const isCircle = start[first] === end[first] && start[second] === end[second]
  const sweep = sweepOf(Math.atan2(j * toX - i * toY, -i * toX - j * toY), clockwise, isCircle)
  const radius = Math.hypot(i, j)
  const rise = end[across]! - start[across]!
  const length = Math.hypot(radius * sweep, rise)
  const pieces = Math.max(1, Math.min(MAX_PIECES, Math.floor(length / resolution)))
  const from = Math.atan2(-j, -i)
  const position = new Float64Array(3)
  for (let piece = 1; piece <= pieces; piece++) {
    const share = piece / pieces
    const isEnd = piece === pieces
    position[first] = isEnd ? end[first]! : centreX + radius * Math.cos(from + sweep * share)
    position[second] = isEnd ? end[second]! : centreY + radius * Math.sin(from + sweep * share)
    position[across] = isEnd ? end[across]! : start[across]! + rise * share
    yield { position, share, pieces }
  }
}

/** The angle to travel, from the angle between start and end: positive is counterclockwise. */
function sweepOf(angle: number, clockwise: boolean, isCircle: boolean): number {
  const turn = 2 * Math.PI
  const counterclockwise = angle < 0 ? angle + turn : angle
  if (clockwise) return counterclockwise - turn
  return counterclockwise === 0 && isCircle ? turn : counterclockwise
}
