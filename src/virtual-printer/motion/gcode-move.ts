// The commands of G-code's coordinates, and G0/G1 themselves.

import { GcodeCoordinates } from '../../motion/coordinates.ts'
import { MoveWords } from '../../motion/move-words.ts'
import type { FilamentMove } from '../../motion/retraction.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { Toolhead } from './toolhead.ts'

/** A filter between G-code positions and the toolhead, such as exclude_object. */
export interface MoveFilter {
  move(end: Float64Array, speed: number): void | Promise<void>
  /** G-code's position while the toolhead is at `position`. */
  adopt(position: Float64Array): Float64Array
}

const AXES = ['X', 'Y', 'Z', 'E']
const AXIS_MAP = { X: 0, Y: 1, Z: 2, E: 3 }

/** The state of the `gcode_move` object; positions are x, y, z, e in mm, speeds in mm/min as G-code gives them. */
export class GcodeMove {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #words = new MoveWords()
  readonly #coordinates = new GcodeCoordinates()
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
    const coordinates = this.#coordinates
    gcode.register('M82', () => {
      coordinates.absoluteExtrude = true
    })
    gcode.register('M83', () => {
      coordinates.absoluteExtrude = false
    })
    gcode.register('G90', () => {
      coordinates.absolute = true
    })
    gcode.register('G91', () => {
      coordinates.absolute = false
    })
    gcode.register('G92', command => this.#setOrigin(command))
    gcode.register('M220', command => this.#setSpeedFactor(command))
    gcode.register('M221', command => this.#setExtrudeFactor(command))
    gcode.register('SET_GCODE_OFFSET', c => this.#setOffset(c), 'Set a virtual offset to g-code positions')
    gcode.register(
      'SAVE_GCODE_STATE',
      c => coordinates.save(c.text('NAME', 'default')),
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
    return Float64Array.from(this.#coordinates.last)
  }

  /** Where G-code's coordinates are. */
  get coordinates(): GcodeCoordinates {
    return this.#coordinates
  }

  useFilter(filter: MoveFilter): void {
    this.#filter = filter
  }

  /** Runs a line of G0 or G1. */
  move(line: string): void | Promise<void> {
    const words = this.#words.values
    if (!this.#words.read(line)) throw new GcodeError(`Unable to parse move '${line}'`)
    if (words[4]! <= 0) throw new UnsupportedError(`Invalid speed in '${line}'`)
    return this.moveBy(words)
  }

  /** Moves as G1 with these X, Y, Z, E and F; NaN for missing words. */
  moveBy(words: Float64Array): void | Promise<void> {
    const coordinates = this.#coordinates
    const extruded = coordinates.apply(words)
    const result = this.#send(coordinates.moveSpeed)
    if (extruded !== 0) this.onExtrude?.(extruded / coordinates.extrudeFactor)
    return result
  }

  /** Moves to G-code coordinates given by axis index; the others stay. */
  moveTo(
    target: Partial<Record<0 | 1 | 2 | 3, number>>,
    speed = this.#coordinates.moveSpeed,
  ): void | Promise<void> {
    for (const axis of [0, 1, 2, 3] as const) {
      const value = target[axis]
      if (value !== undefined) this.#coordinates.last[axis] = value
    }
    return this.#send(speed)
  }

  /** Moves the filament alone. */
  feed(move: FilamentMove): void | Promise<void> {
    return this.#send(this.#coordinates.feed(move))
  }

  /** Takes the toolhead's position, after moves that did not come from G-code. */
  adopt(): void {
    const { position } = this.#toolhead
    this.#coordinates.last = this.#filter?.adopt(position) ?? position
  }

  /** After homing, G-code coordinates of those axes are machine coordinates again. */
  homed(axes: string): void {
    this.adopt()
    this.#coordinates.homed(axes)
  }

  /** Resets the offset of SET_GCODE_OFFSET. */
  resetOrigin(): void {
    this.#coordinates.homing.fill(0)
  }

  saveState(name: string): void {
    this.#coordinates.save(name)
  }

  /** Restores a saved state, and moves to its position when `speed` (mm/s) is given. */
  restoreState(name: string, speed?: number): void | Promise<void> {
    if (!this.#coordinates.restore(name, speed !== undefined))
      throw new UnsupportedError(`Unknown g-code state: ${name}`)
    return speed === undefined ? undefined : this.#send(speed)
  }

  /** The `gcode_move` object. */
  status(): Status {
    const at = this.#coordinates
    return {
      speed_factor: at.speedFactor,
      speed: at.speed,
      extrude_factor: at.extrudeFactor,
      absolute_coordinates: at.absolute,
      absolute_extrude: at.absoluteExtrude,
      homing_origin: [...at.homing],
      position: [...at.last],
      gcode_position: at.position,
      axis_map: AXIS_MAP,
    }
  }

  #send(speed: number): void | Promise<void> {
    const target = this.#filter ?? this.#toolhead
    try {
      return target.move(this.#coordinates.last, speed)
    } catch (error) {
      // The rejected move did not happen: the next one starts at the toolhead's position.
      this.adopt()
      throw error
    }
  }

  #setOrigin(command: GcodeCommand): void {
    this.#coordinates.setOrigin(AXES.map(axis => command.optionalNumber(axis)))
  }

  #setSpeedFactor(command: GcodeCommand): void {
    this.#coordinates.setSpeedFactor(command.number('S', 100, { above: 0 }) / 100)
  }

  #setExtrudeFactor(command: GcodeCommand): void {
    this.#coordinates.setExtrudeFactor(command.number('S', 100, { above: 0 }) / 100)
  }

  #setOffset(command: GcodeCommand): void | Promise<void> {
    const offsets = AXES.map(axis => command.optionalNumber(axis))
    const changes = AXES.map(axis => command.optionalNumber(`${axis}_ADJUST`))
    const moves = command.integer('MOVE', 0) !== 0
    const speed = moves ? command.number('MOVE_SPEED', this.#coordinates.moveSpeed, { above: 0 }) : 0
    this.#coordinates.setOffset(offsets, changes, moves)
    return moves ? this.#send(speed) : undefined
  }

  #restore(command: GcodeCommand): void | Promise<void> {
    const speed = command.number('MOVE_SPEED', this.#coordinates.moveSpeed, { above: 0 })
    return this.restoreState(
      command.text('NAME', 'default'),
      command.integer('MOVE', 0) === 0 ? undefined : speed,
    )
  }

  #report(): void {
    const [x, y, z, e] = this.#coordinates.position.map(value => value.toFixed(3))
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
        `gcode: ${row(this.#coordinates.last)}`,
        `gcode base: ${row(this.#coordinates.base)}`,
        `gcode homing: ${row(this.#coordinates.homing.slice(0, 3))}`,
      ].join('\n'),
    )
  }
}
