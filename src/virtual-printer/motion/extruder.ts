// Extruders: their filament limits, pressure advance, and which one is active.

import type { Section } from '../config/section.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Heater } from '../heat/heaters.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { Move } from './move.ts'
import type { FilamentAxis, Toolhead } from './toolhead.ts'

/** One `[extruder]`: a hot end with its filament drive. */
export class Extruder implements FilamentAxis {
  readonly name: string
  readonly heater: Heater
  readonly cornerVelocity: number
  /** Cross section of the filament in mm². */
  readonly #area: number
  readonly #nozzle: number
  readonly #maxRatio: number
  readonly #maxDistance: number
  readonly #maxVelocity: number
  readonly #maxAccel: number
  #pressureAdvance: number
  #smoothTime: number
  #rotationDistance: number
  #motionQueue: string | null

  constructor(section: Section, heater: Heater, toolhead: Toolhead) {
    this.name = section.name
    this.heater = heater
    const nozzle = section.number('nozzle_diameter', undefined, { above: 0 })
    const filament = section.number('filament_diameter', undefined, { min: nozzle })
    this.#nozzle = nozzle
    this.#area = Math.PI * (filament / 2) ** 2
    const crossSection = section.number('max_extrude_cross_section', 4 * nozzle ** 2, { above: 0 })
    this.#maxRatio = crossSection / this.#area
    // The limits of extruder-only moves are those of a line of the default cross section.
    const ratio = (4 * nozzle ** 2) / this.#area
    const { maxVelocity, maxAccel } = toolhead.limits
    this.#maxVelocity = section.number('max_extrude_only_velocity', maxVelocity * ratio, { above: 0 })
    this.#maxAccel = section.number('max_extrude_only_accel', maxAccel * ratio, { above: 0 })
    this.#maxDistance = section.number('max_extrude_only_distance', 50, { min: 0 })
    this.cornerVelocity = section.number('instantaneous_corner_velocity', 1, { min: 0 })
    this.#pressureAdvance = section.number('pressure_advance', 0, { min: 0 })
    this.#smoothTime = section.number('pressure_advance_smooth_time', 0.04, { above: 0, max: 0.2 })
    this.#rotationDistance = section.number('rotation_distance', undefined, { above: 0 })
    section.integer('microsteps', 16, { min: 1 })
    section.integer('full_steps_per_rotation', 200, { min: 1 })
    section.note('gear_ratio', [])
    this.#motionQueue = null
  }

  check(move: Move): void {
    if (!this.heater.canExtrude) {
      throw new GcodeError("Extrude below minimum temp\nSee the 'min_extrude_temp' config option for details")
    }
    if (move.de < 0 || (move.dx === 0 && move.dy === 0)) this.#checkAlone(move)
    // Klipper allows any ratio for less filament than a nozzle's width of the thickest line takes.
    else if (move.de / move.length > this.#maxRatio && move.de > this.#nozzle * this.#maxRatio)
      this.#rejectRatio(move)
  }

  /** Sets the parameters of SET_PRESSURE_ADVANCE; returns the message for the console. */
  setPressureAdvance(command: GcodeCommand): string {
    this.#pressureAdvance = command.number('ADVANCE', this.#pressureAdvance, { min: 0 })
    this.#smoothTime = command.number('SMOOTH_TIME', this.#smoothTime, { min: 0, max: 0.2 })
    return [
      `pressure_advance: ${this.#pressureAdvance.toFixed(6)}`,
      `pressure_advance_smooth_time: ${this.#smoothTime.toFixed(6)}`,
    ].join('\n')
  }

  /** Sets the rotation distance in mm, if given; returns the message for the console. */
  setRotationDistance(distance: number | undefined): string {
    if (distance !== undefined) this.#rotationDistance = Math.abs(distance)
    const verb = distance === undefined ? 'is' : 'set to'
    return `Extruder '${this.name}' rotation distance ${verb} ${this.#rotationDistance.toFixed(6)}`
  }

  /** Follows another extruder's moves, or none. */
  sync(queue: string): void {
    this.#motionQueue = queue === '' ? null : queue
  }

  /** The `extruder` object: the status of the heater, then that of the drive. */
  status(): Status {
    return {
      ...this.heater.status(),
      can_extrude: this.heater.canExtrude,
      pressure_advance: this.#pressureAdvance,
      smooth_time: this.#smoothTime,
      motion_queue: this.#motionQueue,
    }
  }

  #checkAlone(move: Move): void {
    if (Math.abs(move.de) > this.#maxDistance) {
      const moved = move.de.toFixed(3)
      const most = this.#maxDistance.toFixed(3)
      throw new GcodeError(
        `Extrude only move too long (${moved}mm vs ${most}mm)\nSee the 'max_extrude_only_distance' config option for details`,
      )
    }
    const scale = move.length / Math.abs(move.de)
    move.limit(this.#maxVelocity * scale, this.#maxAccel * scale)
  }

  #rejectRatio(move: Move): never {
    const section = ((move.de / move.length) * this.#area).toFixed(3)
    const most = (this.#maxRatio * this.#area).toFixed(3)
    throw new GcodeError(
      `Move exceeds maximum extrusion (${section}mm^2 vs ${most}mm^2)\nSee the 'max_extrude_cross_section' config option for details`,
    )
  }
}

/** Registers the commands about extruders. */
export function extruderCommands(host: Host, extruders: Map<string, Extruder>, toolhead: Toolhead): void {
  const { gcode } = host
  const active = () => extruders.get(toolhead.extruder?.name ?? '')!
  for (const [name, extruder] of extruders) {
    const withDefault = name === 'extruder' ? [name, undefined] : [name]
    for (const key of withDefault) {
      const chosen = () => (key === undefined ? active() : extruder)
      gcode.registerMux(
        'SET_PRESSURE_ADVANCE',
        'EXTRUDER',
        key,
        command => gcode.respondInfo(chosen().setPressureAdvance(command)),
        'Set pressure advance parameters',
      )
    }
    gcode.registerMux(
      'SET_EXTRUDER_ROTATION_DISTANCE',
      'EXTRUDER',
      name,
      command => gcode.respondInfo(extruder.setRotationDistance(command.optionalNumber('DISTANCE'))),
      'Set extruder rotation distance',
    )
    gcode.registerMux(
      'SYNC_EXTRUDER_MOTION',
      'EXTRUDER',
      name,
      command => {
        const queue = command.text('MOTION_QUEUE')
        if (queue !== '' && !extruders.has(queue))
          throw new UnsupportedError(`'${queue}' is not a valid extruder.`)
        extruder.sync(queue)
        gcode.respondInfo(`Extruder '${name}' now syncing with '${queue}'`)
      },
      'Set extruder stepper motion queue',
    )
    gcode.registerMux(
      'ACTIVATE_EXTRUDER',
      'EXTRUDER',
      name,
      () => {
        if (toolhead.extruder === extruder) return gcode.respondInfo(`Extruder ${name} already active`)
        gcode.respondInfo(`Activating extruder ${name}`)
        toolhead.useExtruder(extruder)
        return undefined
      },
      'Change the active extruder',
    )
  }
}
