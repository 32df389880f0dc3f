// The coordinates of G-code: absolute and relative, offsets, factors, saved states; and G0/G1 themselves.

import { UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import { MoveWords } from '../gcode/move-words.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { Toolhead } from './toolhead.ts'

/** A filter between G-code positions and the toolhead, such as exclude_object. */
export interface MoveFilter {
  move(end: Float64Array, speed: number): void | Promise<void>
  /** G-code's position while the toolhead is at `position`. */
  adopt(position: Float64Array): Float64Array
}

interface SavedState {
  absoluteCoordinates: boolean
  absoluteExtrude: boolean
  base: Float64Array
  last: Float64Array
  homing: Float64Array
  speed: number
  speedFactor: number
  extrudeFactor: number
}

const AXIS_MAP = { X: 0, Y: 1, Z: 2, E: 3 }

/** The state of the `gcode_move` object; positions are x, y, z, e in mm, speeds in mm/min as G-code gives them. */
export class GcodeMove {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #words = new MoveWords()
  readonly #saved = new Map<string, SavedState>()
  #absoluteCoordinates = true
  #absoluteExtrude = true
  #base: Float64Array = new Float64Array(4)
  #last: Float64Array = new Float64Array(4)
  #homing: Float64Array = new Float64Array(4)
  #speed = 1500
  #speedFactor = 1
  #extrudeFactor = 1
  #filter: MoveFilter | undefined
  /** Called with the filament length of each move that has one. */
  onExtrude: ((length: number) => void) | undefined

  constructor(host: Host, toolhead: Toolhead) {
    this.#host = host
    this.#toolhead = toolhead
    const { gcode } = host
    gcode.register('G1', command => this.move(command.line))
    gcode.register('G20', () => {
      throw new UnsupportedError('Machine does not support G20 (inches) command')
    })
    gcode.register('G21', () => {})
    gcode.register('M82', () => this.#setAbsoluteExtrude(true))
    gcode.register('M83', () => this.#setAbsoluteExtrude(false))
    gcode.register('G90', () => this.#setAbsolute(true))
    gcode.register('G91', () => this.#setAbsolute(false))
    gcode.register('G92', command => this.#setOrigin(command))
    gcode.register('M220', command => this.#setSpeedFactor(command))
    gcode.register('M221', command => this.#setExtrudeFactor(command))
    gcode.register('SET_GCODE_OFFSET', c => this.#setOffset(c), 'Set a virtual offset to g-code positions')
    gcode.register(
      'SAVE_GCODE_STATE',
      c => this.#save(c.text('NAME', 'default')),
      'Save G-Code coordinate state',
    )
    gcode.register('RESTORE_GCODE_STATE', c => this.#restore(c), 'Restore a previously saved G-Code state')
    gcode.register('G0', command => this.move(command.line))
    gcode.register('M114', () => this.#report(), undefined, true)
    gcode.register(
      'GET_POSITION',
      () => this.#reportAll(),
      'Return information on the current location of the toolhead',
      true,
    )
  }

  /** Position of the last move in machine coordinates. */
  get position(): Float64Array {
    return Float64Array.from(this.#last)
  }

  get absolute(): boolean {
    return this.#absoluteCoordinates
  }

  get extrudeFactor(): number {
    return this.#extrudeFactor
  }

  /** The speed of the next move in mm/s. */
  get moveSpeed(): number {
    return (this.#speed * this.#speedFactor) / 60
  }

  /** G-code coordinates of the last move. */
  get gcodePosition(): number[] {
    const [x, y, z, e] = this.#last.map((value, axis) => value - this.#base[axis]!)
    return [x!, y!, z!, e! / this.#extrudeFactor]
  }

  /**
   * The E words for the pieces of a move: a function of the share of the way at a piece's end and the piece's own
   * share. Undefined without an E.
   */
  filamentOf(e: number | undefined): ((share: number, piece: number) => number) | undefined {
    if (e === undefined) return undefined
    const start = this.gcodePosition[3]!
    if (!this.#absoluteCoordinates || !this.#absoluteExtrude) return (_, piece) => e * piece
    return share => start + (e - start) * share
  }

  useFilter(filter: MoveFilter): void {
    this.#filter = filter
  }

  /** Runs a line of G0 or G1. */
  move(line: string): void | Promise<void> {
    const words = this.#words.values
    this.#words.read(line)
    const speed = words[4]!
    if (speed <= 0) throw new UnsupportedError(`Invalid speed in '${line}'`)
    if (!Number.isNaN(speed)) this.#speed = speed
    const last = this.#last
    for (let axis = 0; axis < 3; axis++) {
      const value = words[axis]!
      if (Number.isNaN(value)) continue
      last[axis] = value + (this.#absoluteCoordinates ? this.#base[axis]! : last[axis]!)
    }
    const e = words[3]!
    let extruded = 0
    if (!Number.isNaN(e)) {
      const length = e * this.#extrudeFactor
      const before = last[3]!
      last[3] = length + (this.#absoluteCoordinates && this.#absoluteExtrude ? this.#base[3]! : before)
      extruded = last[3] - before
    }
    const result = this.#send(this.moveSpeed)
    if (extruded !== 0) this.onExtrude?.(extruded / this.#extrudeFactor)
    return result
  }

  /** Moves to G-code coordinates given by axis index; the others stay. */
  moveTo(target: Partial<Record<0 | 1 | 2 | 3, number>>, speed = this.moveSpeed): void | Promise<void> {
    for (const axis of [0, 1, 2, 3] as const) {
      const value = target[axis]
      if (value !== undefined) this.#last[axis] = value
    }
    return this.#send(speed)
  }

  /** Takes the toolhead's position, after moves that did not come from G-code. */
  adopt(): void {
    const { position } = this.#toolhead
    this.#last = this.#filter?.adopt(position) ?? position
  }

  /** After homing, G-code coordinates of those axes are machine coordinates again. */
  homed(axes: string): void {
    this.adopt()
    for (const axis of [0, 1, 2]) {
      if (axes.includes('xyz'[axis]!)) this.#base[axis] = this.#homing[axis]!
    }
  }

  /** Resets the offset of SET_GCODE_OFFSET. */
  resetOrigin(): void {
    this.#homing.fill(0)
  }

  saveState(name: string): void {
    this.#save(name)
  }

  /** Restores a saved state, and moves to its position when `speed` (mm/s) is given. */
  restoreState(name: string, speed?: number): void | Promise<void> {
    const state = this.#saved.get(name)
    if (state === undefined) throw new UnsupportedError(`Unknown g-code state: ${name}`)
    this.#absoluteCoordinates = state.absoluteCoordinates
    this.#absoluteExtrude = state.absoluteExtrude
    this.#homing = Float64Array.from(state.homing)
    this.#speed = state.speed
    this.#speedFactor = state.speedFactor
    this.#extrudeFactor = state.extrudeFactor
    const offset = this.#last[3]! - state.last[3]!
    this.#base = Float64Array.from(state.base)
    this.#base[3] = this.#base[3]! + offset
    if (speed === undefined) return undefined
    for (const axis of [0, 1, 2]) this.#last[axis] = state.last[axis]!
    return this.#send(speed)
  }

  /** The `gcode_move` object. */
  status(): Status {
    return {
      speed_factor: this.#speedFactor,
      speed: this.#speed,
      extrude_factor: this.#extrudeFactor,
      absolute_coordinates: this.#absoluteCoordinates,
      absolute_extrude: this.#absoluteExtrude,
      homing_origin: [...this.#homing],
      position: [...this.#last],
      gcode_position: this.gcodePosition,
      axis_map: AXIS_MAP,
    }
  }

  #send(speed: number): void | Promise<void> {
    const target = this.#filter ?? this.#toolhead
    try {
      return target.move(this.#last, speed)
    } catch (error) {
      // The rejected move did not happen: the next one starts at the toolhead's position.
      this.adopt()
      throw error
    }
  }

  #setAbsolute(absolute: boolean): void {
    this.#absoluteCoordinates = absolute
  }

  #setAbsoluteExtrude(absolute: boolean): void {
    this.#absoluteExtrude = absolute
  }

  #setOrigin(command: GcodeCommand): void {
    const values = ['X', 'Y', 'Z', 'E'].map(axis => command.optionalNumber(axis))
    const all = values.every(value => value === undefined)
    for (const [axis, given] of values.entries()) {
      if (given === undefined && !all) continue
      const value = axis === 3 ? (given ?? 0) * this.#extrudeFactor : (given ?? 0)
      this.#base[axis] = this.#last[axis]! - value
    }
  }

  #setSpeedFactor(command: GcodeCommand): void {
    this.#speedFactor = command.number('S', 100, { above: 0 }) / 100
  }

  #setExtrudeFactor(command: GcodeCommand): void {
    const factor = command.number('S', 100, { above: 0 }) / 100
    const since = this.#last[3]! - this.#base[3]!
    this.#base[3] = this.#last[3]! - (since / this.#extrudeFactor) * factor
    this.#extrudeFactor = factor
  }

  #setOffset(command: GcodeCommand): void | Promise<void> {
    const shift = [0, 0, 0, 0]
    for (const [axis, name] of ['X', 'Y', 'Z', 'E'].entries()) {
      const offset =
        command.optionalNumber(name) ??
        (command.has(`${name}_ADJUST`) ? command.number(`${name}_ADJUST`) + this.#homing[axis]! : undefined)
      if (offset === undefined) continue
      shift[axis] = offset - this.#homing[axis]!
      this.#homing[axis] = offset
      this.#base[axis] = this.#base[axis]! + shift[axis]!
    }
    if (command.integer('MOVE', 0) === 0) return undefined
    const speed = command.number('MOVE_SPEED', this.moveSpeed, { above: 0 })
    for (const axis of [0, 1, 2, 3]) this.#last[axis] = this.#last[axis]! + shift[axis]!
    return this.#send(speed)
  }

  #save(name: string): void {
    this.#saved.set(name, {
      absoluteCoordinates: this.#absoluteCoordinates,
      absoluteExtrude: this.#absoluteExtrude,
      base: Float64Array.from(this.#base),
      last: Float64Array.from(this.#last),
      homing: Float64Array.from(this.#homing),
      speed: this.#speed,
      speedFactor: this.#speedFactor,
      extrudeFactor: this.#extrudeFactor,
    })
  }

  #restore(command: GcodeCommand): void | Promise<void> {
    const speed = command.number('MOVE_SPEED', this.moveSpeed, { above: 0 })
    return this.restoreState(
      command.text('NAME', 'default'),
      command.integer('MOVE', 0) === 0 ? undefined : speed,
    )
  }

  #report(): void {
    const [x, y, z, e] = this.gcodePosition.map(value => value.toFixed(3))
    this.#host.gcode.respondRaw(`X:${x} Y:${y} Z:${z} E:${e}`)
  }

  #reportAll(): void {
    const row = (values: Iterable<number>, names = 'XYZE') =>
      [...values].map((value, axis) => `${names[axis]}:${value.toFixed(6)}`).join(' ')
    const position = this.#toolhead.position
    const steppers = this.#toolhead.kinematics.steppers.map(name => `${name}:0`).join(' ')
    const rails = this.#toolhead.kinematics.rails.map(
      (rail, axis) => `${rail.name}:${position[axis]!.toFixed(6)}`,
    )
    this.#host.gcode.respondInfo(
      [
        `mcu: ${steppers}`,
        `stepper: ${rails.join(' ')}`,
        `kinematic: ${row(position.slice(0, 3))}`,
        `toolhead: ${row(position)}`,
        `gcode: ${row(this.#last)}`,
        `gcode base: ${row(this.#base)}`,
        `gcode homing: ${row(this.#homing.slice(0, 3))}`,
      ].join('\n'),
    )
  }
}
