// The motion of a print: the commands that move, and those that change how later moves are made.
import { ARC_PLANES, type ArcPlane, arcPoints } from '../../../motion/arcs.ts'
import { type AxisValues, GcodeCoordinates } from '../../../motion/coordinates.ts'
import { limitOnDelta } from '../../../motion/delta.ts'
import { limitExtrusion } from '../../../motion/extruder-limits.ts'
import { Lookahead } from '../../../motion/lookahead.ts'
import type { MotionLimits } from '../../../motion/move.ts'
import { type FilamentMove, FirmwareRetraction } from '../../../motion/retraction.ts'
import { LEAD, MOTORS_OFF } from '../../../motion/timing.ts'
import type { Machine, MachineExtruder } from './machine.ts'
import { type MoveOrigin, PrintMove } from './print-move.ts'

/** The longest time of one move in seconds; longer ones are errors of the file. */
const LONGEST_MOVE = 1e7

/** What happens during a print. */
export interface MotionEvents {
  /** Moves in order, with their final times. */
  readonly moved: (moves: readonly PrintMove[]) => void
  /** A pause of some seconds, in order with the moves. */
  readonly waited: (seconds: number, origin: MoveOrigin) => void
  /** Before a move is planned. */
  readonly planned: (move: PrintMove, gcodeZ: number) => void
  /** A command that Klipper rejects. */
  readonly rejected: (problem: Problem) => void
}

/** Why Klipper rejects a command. */
export type Problem =
  | 'thick line'
  | 'long extrusion'
  | 'relative arc'
  | 'arc by radius'
  | 'arc without centre'
  | 'number'

/** The words of an arc; NaN for missing ones. */
export type ArcWords = Readonly<Record<'X' | 'Y' | 'Z' | 'E' | 'F' | 'I' | 'J' | 'K' | 'R', number>>

export class PrintMotion {
  readonly coordinates = new GcodeCoordinates()
  readonly limits: MotionLimits
  readonly retraction: FirmwareRetraction | null
  /** Set before each command. */
  readonly origin: MoveOrigin = { offset: 0, layer: 0, feature: 0 }
  plane: ArcPlane = ARC_PLANES.G17
  readonly #machine: Machine
  readonly #events: MotionEvents
  readonly #lookahead: Lookahead
  #hasStarted = false
  #areMotorsOn = false
  #position: Float64Array = new Float64Array(4)
  #extruder: MachineExtruder | undefined
  readonly #words = new Float64Array(5)

  constructor(machine: Machine, events: MotionEvents) {
    this.#machine = machine
    this.#events = events
    this.limits = { ...machine.limits }
    this.retraction = machine.retraction && new FirmwareRetraction(machine.retraction)
    this.#lookahead = new Lookahead(moves => events.moved(moves as PrintMove[]))
    this.useExtruder('extruder')
  }

  /** G0 and G1: X, Y, Z, E and F, NaN for missing words. */
  move(words: Float64Array): void {
    if (words[4]! <= 0) {
      this.#events.rejected('number')
      return
    }
    this.coordinates.apply(words)
    this.send()
  }

  /** Moves to the end of the last move of the coordinates. */
  send(speed = this.coordinates.moveSpeed): void {
    const { last } = this.coordinates
    const move = new PrintMove(this.#position, last, speed, this.limits, this.origin)
    if (move.length === 0) return
    if (!(move.minTime > 0 && move.minTime < LONGEST_MOVE && move.length < Number.MAX_SAFE_INTEGER)) {
      last.set(this.#position)
      this.#events.rejected('number')
      return
    }
    this.#limit(move)
    this.#start()
    this.#areMotorsOn = true
    this.#events.planned(move, last[2]! - this.coordinates.base[2]!)
    this.#position.set(last)
    this.#lookahead.add(move)
  }

  /** G2 and G3. Returns the number of moves. */
  arc(words: ArcWords, clockwise: boolean): number {
    const { coordinates, plane } = this
    const resolution = this.#machine.arcResolution
    if (resolution === null) return 0
    if (!coordinates.absolute) return this.#reject('relative arc')
    if (!Number.isNaN(words.R)) return this.#reject('arc by radius')
    const start = coordinates.position
    const end = [words.X, words.Y, words.Z].map((value, axis) => (Number.isNaN(value) ? start[axis]! : value))
    const offset = plane.offsets.map(name => words[name] || 0) as [number, number]
    if (offset[0] === 0 && offset[1] === 0) return this.#reject('arc without centre')
    if (words.F <= 0) return this.#reject('number')
    const filament = coordinates.filamentOf(Number.isNaN(words.E) ? undefined : words.E)
    const piece = this.#words.fill(Number.NaN)
    piece[4] = words.F
    let count = 0
    for (const { position, share, pieces } of arcPoints({
      start,
      end,
      offset,
      plane,
      clockwise,
      resolution,
    })) {
      piece.set(position)
      if (filament !== undefined) piece[3] = filament(share, 1 / pieces)
      this.move(piece)
      count++
    }
    return count
  }

  /** G10 and G11: moves the filament alone. */
  feed(move: FilamentMove | undefined): void {
    if (move !== undefined) this.send(this.coordinates.feed(move))
  }

  /** G28: the axes are at their end stops. The time of homing does not count. */
  home(axes: string): void {
    this.stop()
    const { last } = this.coordinates
    for (const [index, axis] of ['x', 'y', 'z'].entries()) {
      if (axes.includes(axis)) last[index] = this.#machine.homed[index]!
    }
    this.#position.set(last)
    this.coordinates.homed(axes)
  }

  /** SET_KINEMATIC_POSITION. */
  setPosition(values: AxisValues): void {
    this.stop()
    const { last } = this.coordinates
    for (const axis of [0, 1, 2]) last[axis] = values[axis] ?? last[axis]!
    this.#position.set(last)
  }

  /** The next moves feed this extruder's filament. */
  useExtruder(name: string): boolean {
    const extruder = this.#machine.extruders[name]
    if (extruder === undefined) return false
    if (this.#extruder !== undefined && extruder !== this.#extruder) {
      this.stop()
      this.coordinates.extrudeFactor = 1
      this.coordinates.base[3] = this.coordinates.last[3]!
    }
    this.#extruder = extruder
    this.#lookahead.extruderCorner = extruder.limits.cornerVelocity
    return true
  }

  /** G4. */
  dwell(seconds: number): void {
    this.stop()
    if (!(seconds > 0 && seconds < LONGEST_MOVE)) return
    this.#start()
    this.#events.waited(seconds, this.origin)
  }

  /** M18 and M84. */
  motorsOff(): void {
    this.stop()
    if (this.#areMotorsOn) this.#events.waited(MOTORS_OFF, this.origin)
    this.#areMotorsOn = false
  }

  /** All moves so far end in a stop. */
  stop(): void {
    this.#lookahead.flush()
  }

  #start(): void {
    if (!this.#hasStarted) this.#events.waited(LEAD, this.origin)
    this.#hasStarted = true
  }

  #limit(move: PrintMove): void {
    const { delta, z, limits } = this.#machine
    if (move.dz !== 0) {
      const ratio = move.length / Math.abs(move.dz)
      move.limit(z.velocity * ratio, z.accel * ratio)
    }
    if (delta !== null && move.kinematic) limitOnDelta(move, delta, limits)
    if (move.de !== 0 && this.#extruder !== undefined) this.#limitExtrusion(move, this.#extruder)
  }

  #limitExtrusion(move: PrintMove, { limits }: MachineExtruder): void {
    const problem = limitExtrusion(move, limits)
    if (problem === 'thick') this.#events.rejected('thick line')
    if (problem === 'long') this.#events.rejected('long extrusion')
  }

  #reject(problem: Problem): 0 {
    this.#events.rejected(problem)
    return 0
  }
}
