// Extruders: their filament limits, pressure advance, and which one is active.

import { type ExtruderLimits, extruderLimits, limitExtrusion } from '../../motion/extruder-limits.ts'
import type { Move } from '../../motion/move.ts'
import type { Section } from '../config/section.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Heater } from '../heat/heaters.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { FilamentAxis, Toolhead } from './toolhead.ts'

/** One `[extruder]`: a hot end with its filament drive. */
export class Extruder implements FilamentAxis {
  readonly name: string
  readonly heater: Heater
  readonly cornerVelocity: number
  readonly #limits: ExtruderLimits
  #pressureAdvance: number
  #smoothTime: number
  #rotationDistance: number
  #motionQueue: string | null

  constructor(section: Section, heater: Heater, toolhead: Toolhead) {
    this.name = section.name
    this.heater = heater
    const nozzle = section.number('nozzle_diameter', undefined, { above: 0 })
    const filament = section.number('filament_diameter', undefined, { min: nozzle })
    const defaults = extruderLimits({ nozzle, filament }, toolhead.limits)
    const values = {
      nozzle,
      filament,
      crossSection: section.number('max_extrude_cross_section', 4 * nozzle ** 2, { above: 0 }),
      onlyVelocity: section.number('max_extrude_only_velocity', defaults.maxOnlyVelocity, { above: 0 }),
      onlyAccel: section.number('max_extrude_only_accel', defaults.maxOnlyAccel, { above: 0 }),
      onlyDistance: section.number('max_extrude_only_distance', defaults.maxOnlyDistance, { min: 0 }),
      cornerVelocity: section.number('instantaneous_corner_velocity', defaults.cornerVelocity, { min: 0 }),
    }
    this.#limits = extruderLimits(values, toolhead.limits)
    this.cornerVelocity = values.cornerVelocity
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
    const problem = limitExtrusion(move, this.#limits)
    if (problem === 'long') this.#rejectDistance(move)
    if (problem === 'thick') this.#rejectRatio(move)
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
    return `Extruder '${this.name}' rotation distance set to ${this.#rotationDistance.toFixed(6)}`
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

  #rejectDistance(move: Move): never {
    const moved = move.de.toFixed(3)
    const most = this.#limits.maxOnlyDistance.toFixed(3)
    throw new GcodeError(
      `Extrude only move too long (${moved}mm vs ${most}mm)\nSee the 'max_extrude_only_distance' config option for details`,
    )
  }

  #rejectRatio(move: Move): never {
    const { area, maxRatio } = this.#limits
    const section = ((move.de / move.length) * area).toFixed(3)
    const most = (maxRatio * area).toFixed(3)
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
