// Adds up the times of a print: in total, by layer, by feature, and by position in the file.
import type { MoveOrigin, PrintMove } from './print-move.ts'
import { Thinned } from './thinned.ts'

/** The most layers; what follows counts for the last one. */
const MAX_LAYERS = 5000
/** The most features with a name of their own. */
const MAX_FEATURES = 64
/** Points of the table from file position to time. */
const POINTS = 1024

/** Moves that the slicer names no feature for. */
export const OTHER = 'Other'
const TRAVEL = 'Travel'
const FILAMENT = 'Retraction'

/** What a file takes, in seconds and mm. */
export interface PrintTimes {
  readonly total: number
  readonly moves: number
  readonly distance: number
  readonly extruded: number
  /** The fastest feed of filament while the head moves, in mm of filament per second. */
  readonly maxFeed: number
  readonly maxSpeed: number
  readonly extrudingTime: number
  readonly travelTime: number
  readonly filamentTime: number
  readonly zTime: number
  readonly accelTime: number
  readonly cruiseTime: number
  readonly decelTime: number
  /** Seconds by the names of features, without those that took no time. */
  readonly features: ReadonlyMap<string, number>
  /** Height of each layer and seconds; the first is what comes before the first layer, and has the height 0. */
  readonly layers: readonly (readonly [z: number, seconds: number])[]
  /** Bytes, and the seconds at the end of the moves up to there; in order. */
  readonly points: readonly (readonly [offset: number, seconds: number])[]
}

export class Tally {
  #total = 0
  #moves = 0
  #distance = 0
  #extruded = 0
  #maxFeed = 0
  #maxSpeed = 0
  #zTime = 0
  #accelTime = 0
  #cruiseTime = 0
  #decelTime = 0
  #travelTime = 0
  #filamentTime = 0
  #waited = 0
  readonly #features = new Map<string, number>([[OTHER, 0]])
  readonly #featureTimes: number[] = [0]
  readonly #layerTimes: number[] = [0]
  readonly #layerZ: number[] = [0]
  readonly #points = new Thinned(POINTS)

  /** The index of a feature. */
  feature(name: string): number {
    const known = this.#features.get(name)
    if (known !== undefined) return known
    if (this.#features.size >= MAX_FEATURES) return 0
    this.#features.set(name, this.#featureTimes.push(0) - 1)
    return this.#featureTimes.length - 1
  }

  /** The index of a new layer at a height. */
  layer(z: number): number {
    if (this.#layerTimes.length > MAX_LAYERS) return MAX_LAYERS
    this.#layerZ.push(z)
    return this.#layerTimes.push(0) - 1
  }

  add(moves: readonly PrintMove[]): void {
    for (const move of moves) this.#add(move)
  }

  wait(seconds: number, { offset, layer }: MoveOrigin): void {
    this.#waited += seconds
    this.#pass(seconds, offset, layer)
  }

  result(): PrintTimes {
    const features = new Map([...this.#features].map(([name, index]) => [name, this.#featureTimes[index]!]))
    features.set(TRAVEL, (features.get(TRAVEL) ?? 0) + this.#travelTime)
    features.set(FILAMENT, (features.get(FILAMENT) ?? 0) + this.#filamentTime)
    for (const [name, seconds] of features) if (seconds === 0) features.delete(name)
    return {
      total: this.#total,
      moves: this.#moves,
      distance: this.#distance,
      extruded: this.#extruded,
      maxFeed: this.#maxFeed,
      maxSpeed: this.#maxSpeed,
      extrudingTime: this.#total - this.#travelTime - this.#filamentTime - this.#waited,
      travelTime: this.#travelTime,
      filamentTime: this.#filamentTime,
      zTime: this.#zTime,
      accelTime: this.#accelTime,
      cruiseTime: this.#cruiseTime,
      decelTime: this.#decelTime,
      features,
      layers: this.#layerTimes.map((seconds, index) => [this.#layerZ[index]!, seconds] as const),
      points: this.#points.all(),
    }
  }

  #add(move: PrintMove): void {
    const { duration, length } = move
    // Limits that a file sets beyond all reason can make it infinite.
    const seconds = duration < Number.MAX_SAFE_INTEGER ? duration : move.minTime
    const speed = Math.sqrt(move.cruiseV2)
    this.#moves++
    this.#accelTime += move.accelTime
    this.#cruiseTime += move.cruiseTime
    this.#decelTime += move.decelTime
    this.#extruded += move.de
    if (move.kinematic) {
      this.#distance += length
      if (speed > this.#maxSpeed) this.#maxSpeed = speed
      if (move.dx === 0 && move.dy === 0) this.#zTime += seconds
      if (move.de > 0) {
        this.#maxFeed = Math.max(this.#maxFeed, (speed * move.de) / length)
        this.#featureTimes[move.feature] = this.#featureTimes[move.feature]! + seconds
      } else this.#travelTime += seconds
    } else this.#filamentTime += seconds
    this.#pass(seconds, move.offset, move.layer)
  }

  #pass(seconds: number, offset: number, layer: number): void {
    this.#total += seconds
    this.#layerTimes[layer] = this.#layerTimes[layer]! + seconds
    this.#points.add(offset, this.#total)
  }
}
