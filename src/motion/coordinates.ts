// The coordinates of G-code: absolute and relative, offsets, factors, saved states. Positions are x, y, z, e in mm,
// speeds in mm/min as G-code gives them.

import type { FilamentMove } from './retraction.ts'

interface SavedState {
  absolute: boolean
  absoluteExtrude: boolean
  base: Float64Array
  last: Float64Array
  homing: Float64Array
  speed: number
  speedFactor: number
  extrudeFactor: number
}

/** Numbers for x, y, z and e; undefined for axes that were not given. */
export type AxisValues = readonly (number | undefined)[]

/** The most states that a file can save: their names come from the file. */
const MAX_SAVED = 1000

/** What Klipper's gcode_move keeps. */
export class GcodeCoordinates {
  absolute = true
  absoluteExtrude = true
  /** Machine coordinates of G-code's origin. */
  base: Float64Array = new Float64Array(4)
  /** Machine coordinates of the end of the last move. */
  last: Float64Array = new Float64Array(4)
  /** The part of `base` that SET_GCODE_OFFSET has set. */
  homing: Float64Array = new Float64Array(4)
  speed = 1500
  speedFactor = 1
  extrudeFactor = 1
  readonly #saved = new Map<string, SavedState>()

  /** The speed of the next move in mm/s. */
  get moveSpeed(): number {
    return (this.speed * this.speedFactor) / 60
  }

  /** G-code coordinates of the last move. */
  get position(): number[] {
    const [x, y, z, e] = this.last.map((value, axis) => value - this.base[axis]!)
    return [x!, y!, z!, e! / this.extrudeFactor]
  }

  /** Sets the end and the speed of a move from its X, Y, Z, E and F; NaN for missing words. Returns the change of e. */
  apply(words: Float64Array): number {
    const { last, base } = this
    const speed = words[4]!
    if (!Number.isNaN(speed)) this.speed = speed
    for (let axis = 0; axis < 3; axis++) {
      const value = words[axis]!
      if (Number.isNaN(value)) continue
      last[axis] = value + (this.absolute ? base[axis]! : last[axis]!)
    }
    const e = words[3]!
    if (Number.isNaN(e)) return 0
    const before = last[3]!
    last[3] = e * this.extrudeFactor + (this.absolute && this.absoluteExtrude ? base[3]! : before)
    return last[3] - before
  }

  /**
   * The E words for the pieces of a move: a function of the share of the way at a piece's end and the piece's own
   * share. Undefined without an E.
   */
  filamentOf(e: number | undefined): ((share: number, piece: number) => number) | undefined {
    if (e === undefined) return undefined
    const start = this.position[3]!
    if (!this.absolute || !this.absoluteExtrude) return (_, piece) => e * piece
    return share => start + (e - start) * share
  }

  /** Moves the filament alone, with the factors of speed and flow. Returns the speed in mm/s. */
  feed({ distance, speed }: FilamentMove): number {
    this.last[3] = this.last[3]! + distance * this.extrudeFactor
    return speed * this.speedFactor
  }

  /** G92: the present position gets these coordinates; without any all become 0. */
  setOrigin(values: AxisValues): void {
    const all = values.every(value => value === undefined)
    for (const [axis, given] of values.entries()) {
      if (given === undefined && !all) continue
      const value = (given ?? 0) * (axis === 3 ? this.extrudeFactor : 1)
      this.base[axis] = this.last[axis]! - value
    }
  }

  /** M220; 1 is 100 %. */
  setSpeedFactor(factor: number): void {
    this.speedFactor = factor
  }

  /** M221; 1 is 100 %. */
  setExtrudeFactor(factor: number): void {
    const since = this.last[3]! - this.base[3]!
    this.base[3] = this.last[3]! - (since / this.extrudeFactor) * factor
    this.extrudeFactor = factor
  }

  /** SET_GCODE_OFFSET: absolute offsets, or changes of them. With `move` the end of the last move shifts too. */
  setOffset(offsets: AxisValues, changes: AxisValues, move: boolean): void {
    for (let axis = 0; axis < 4; axis++) {
      const change = changes[axis]
      const offset = offsets[axis] ?? (change === undefined ? undefined : change + this.homing[axis]!)
      if (offset === undefined) continue
      const shift = offset - this.homing[axis]!
      this.homing[axis] = offset
      this.base[axis] = this.base[axis]! + shift
      if (move) this.last[axis] = this.last[axis]! + shift
    }
  }

  /** After homing, the coordinates of those axes are machine coordinates again. */
  homed(axes: string): void {
    for (const axis of [0, 1, 2]) {
      if (axes.includes('xyz'[axis]!)) this.base[axis] = this.homing[axis]!
    }
  }

  /** Saves the state under a name, unless too many names are in use. */
  save(name: string): void {
    if (this.#saved.size >= MAX_SAVED && !this.#saved.has(name)) return
    this.#saved.set(name, {
      absolute: this.absolute,
      absoluteExtrude: this.absoluteExtrude,
      base: Float64Array.from(this.base),
      last: Float64Array.from(this.last),
      homing: Float64Array.from(this.homing),
      speed: this.speed,
      speedFactor: this.speedFactor,
      extrudeFactor: this.extrudeFactor,
    })
  }

  /** Restores a saved state; with `move` its x, y and z become the end of a move. Returns whether there is one. */
  restore(name: string, move: boolean): boolean {
    const state = this.#saved.get(name)
    if (state === undefined) return false
    this.absolute = state.absolute
    this.absoluteExtrude = state.absoluteExtrude
    this.homing = Float64Array.from(state.homing)
    this.speed = state.speed
    this.speedFactor = state.speedFactor
    this.extrudeFactor = state.extrudeFactor
    this.base = Float64Array.from(state.base)
    this.base[3] = this.base[3]! + this.last[3]! - state.last[3]!
    if (move) for (const axis of [0, 1, 2]) this.last[axis] = state.last[axis]!
    return true
  }
}
