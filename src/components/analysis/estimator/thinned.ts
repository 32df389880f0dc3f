// A table of growing pairs in bounded memory: when it is full, it keeps points with twice the distance.

/** Pairs (x, y), both never falling; neighbours differ by a least step in y, which doubles when the table is full. */
export class Thinned {
  readonly #size: number
  #points: [x: number, y: number][] = []
  #step = 0
  #last: [x: number, y: number] | undefined

  /** `size` is the most points that are kept. */
  constructor(size: number) {
    this.#size = size
  }

  add(x: number, y: number): void {
    const newest = this.#points.at(-1)
    if (newest !== undefined && newest[0] === x) newest[1] = y
    else if (newest === undefined || y >= newest[1] + this.#step) {
      this.#points.push([x, y])
      if (this.#points.length >= this.#size) this.#thin()
    } else {
      this.#last ??= [x, y]
      this.#last[0] = x
      this.#last[1] = y
      return
    }
    this.#last = undefined
  }

  /** The points, the newest included. */
  all(): [x: number, y: number][] {
    return this.#last === undefined ? this.#points : [...this.#points, this.#last]
  }

  #thin(): void {
    const [first, newest] = [this.#points[0]!, this.#points.at(-1)!]
    this.#step = Math.max(this.#step * 2, ((newest[1] - first[1]) / this.#size) * 2)
    const kept = [first]
    for (const point of this.#points) if (point[1] >= kept.at(-1)![1] + this.#step) kept.push(point)
    // Without progress in y every other point goes.
    this.#points = kept.length < this.#size * 0.75 ? kept : this.#points.filter((_, index) => index % 2 === 0)
  }
}
