// Computes the convex hull of a stream of points, in bounded memory.

/** X and Y in mm. */
export type Point = readonly [number, number]

const HELD_POINTS = 512
const FIRST_POINTS = 32
const DIRECTIONS = 8
/** The most corners of a hull: enough to draw it, and each client receives all of them. */
const MOST_CORNERS = 64

/** Collects points and keeps those that can be corners of their convex hull. */
export class Hull {
  #held = new Float64Array(2 * FIRST_POINTS)
  #length = 0
  /** Corners of the inner polygon, counterclockwise: a point within it cannot be a corner. */
  #inner: Float64Array = new Float64Array(0)
  #sumX = 0
  #sumY = 0
  #count = 0

  /** Adds one point. */
  add(x: number, y: number): void {
    const { length } = this.#inner
    if (length > 0 && this.#isInner(x, y, length)) return
    if (this.#length === this.#held.length) this.#makeRoom()
    this.#held[this.#length++] = x
    this.#held[this.#length++] = y
  }

  /** Adds a point to the mean. */
  weigh(x: number, y: number): void {
    this.#sumX += x
    this.#sumY += y
    this.#count++
  }

  /** The mean of the added points, undefined without any. */
  mean(): Point | undefined {
    return this.#count === 0 ? undefined : [this.#sumX / this.#count, this.#sumY / this.#count]
  }

  /** The hull's corners counterclockwise, at most 64; fewer than three if the points have no area. */
  corners(): Point[] {
    return simplified(convexHull(this.#points()))
  }

  #isInner(x: number, y: number, length: number): boolean {
    const inner = this.#inner
    let fromX = inner[length - 2]!
    let fromY = inner[length - 1]!
    for (let i = 0; i < length; i += 2) {
      const toX = inner[i]!
      const toY = inner[i + 1]!
      if ((toX - fromX) * (y - fromY) <= (toY - fromY) * (x - fromX)) return false
      fromX = toX
      fromY = toY
    }
    return true
  }

  #points(): Point[] {
    return Array.from({ length: this.#length / 2 }, (_, i) => [this.#held[2 * i]!, this.#held[2 * i + 1]!])
  }

  /** Drops points inside of the hull. If too few are dropped, the buffer grows up to its limit; then corners are dropped. */
  #makeRoom(): void {
    const hull = convexHull(this.#points())
    const kept = hull.length > HELD_POINTS / 2 ? simplified(hull) : hull
    const full = kept.length > this.#held.length / 4
    const size = full ? Math.min(2 * HELD_POINTS, 2 * this.#held.length) : this.#held.length
    this.#held = new Float64Array(size)
    this.#length = 0
    for (const [x, y] of kept) {
      this.#held[this.#length++] = x
      this.#held[this.#length++] = y
    }
    this.#inner = innerPolygon(kept)
  }
}

/** The corners that are furthest in eight directions, in the order of the hull. */
function innerPolygon(hull: readonly Point[]): Float64Array {
  if (hull.length < 3) return new Float64Array(0)
  const furthest = new Set<Point>()
  for (let i = 0; i < DIRECTIONS; i++) {
    const [dx, dy] = [Math.cos((2 * Math.PI * i) / DIRECTIONS), Math.sin((2 * Math.PI * i) / DIRECTIONS)]
    furthest.add(hull.reduce((best, p) => (p[0] * dx + p[1] * dy > best[0] * dx + best[1] * dy ? p : best)))
  }
  return Float64Array.from(hull.filter(point => furthest.has(point)).flat())
}

/** Counterclockwise corners without points on straight edges (monotone chain). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
  const lower = chain(sorted)
  const upper = chain(sorted.reverse())
  return sorted.length < 2 ? sorted : [...lower.slice(0, -1), ...upper.slice(0, -1)]
}

function chain(sorted: readonly Point[]): Point[] {
  const line: Point[] = []
  for (const point of sorted) {
    while (line.length >= 2 && turn(line[line.length - 2]!, line[line.length - 1]!, point) <= 0) line.pop()
    line.push(point)
  }
  return line
}

/** Twice the signed area of the triangle: positive for a left turn. */
function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/** Drops the corners whose loss changes the area least, until few enough are left. */
function simplified(hull: readonly Point[]): Point[] {
  const corners = [...hull]
  while (corners.length > MOST_CORNERS) {
    const cost = corners.map((corner, i) =>
      turn(corners.at(i - 1)!, corner, corners[(i + 1) % corners.length]!),
    )
    corners.splice(cost.indexOf(Math.min(...cost)), 1)
  }
  return corners
}
