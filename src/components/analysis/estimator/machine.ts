// The machine that a file is examined for: what the planner and the checks need of Klipper's configuration, as plain data.
import { type DeltaReach, deltaReach } from '../../../motion/delta.ts'
import { type ExtruderLimits, extruderLimits } from '../../../motion/extruder-limits.ts'
import type { MotionLimits } from '../../../motion/move.ts'
import type { RetractionSettings } from '../../../motion/retraction.ts'
import { isPlainObject } from '../../../schema/index.ts'

/** One extruder. */
export interface MachineExtruder {
  readonly limits: ExtruderLimits
  /** °C */
  readonly maxTemp: number | null
}

/** Lengths in mm, times in s. A type and not an interface: it must be assignable to plain data. */
export type Machine = {
  readonly kinematics: string
  readonly limits: MotionLimits
  readonly z: { readonly velocity: number; readonly accel: number }
  /** The lowest and highest positions of x, y and z; null where they are not known. */
  readonly ranges: readonly (readonly [min: number, max: number])[] | null
  /** Radius of a round bed; null for other beds. */
  readonly radius: number | null
  /** Null for machines that are no deltas. */
  readonly delta: DeltaReach | null
  /** Position after homing. */
  readonly homed: readonly [x: number, y: number, z: number]
  /** By their sections: extruder, extruder1, … */
  readonly extruders: Readonly<Record<string, MachineExtruder>>
  /** °C */
  readonly bedMaxTemp: number | null
  /** Length of the pieces of arcs; null where Klipper knows no arcs. */
  readonly arcResolution: number | null
  /** Null where Klipper knows no firmware retraction. */
  readonly retraction: RetractionSettings | null
}

type Settings = Readonly<Record<string, unknown>>
type Section = Readonly<Record<string, unknown>>

const AXES = ['x', 'y', 'z'] as const

/** A usual machine, for estimates before Klipper was ever connected. */
export function usualMachine(): Machine {
  return machineOf({
    printer: { kinematics: 'unknown', max_velocity: 300, max_accel: 3000 },
    extruder: { nozzle_diameter: 0.4, filament_diameter: 1.75, max_extrude_cross_section: 100 },
    gcode_arcs: { resolution: 1 },
    firmware_retraction: {},
  })
}

/** Reads Klipper's settings (`configfile.settings`); undefined where they lack what every machine has. */
export function readMachine(settings: Settings): Machine | undefined {
  const printer = sectionOf(settings, 'printer')
  const isComplete =
    numberOf(printer, 'max_velocity') !== undefined && numberOf(printer, 'max_accel') !== undefined
  return isComplete ? machineOf(settings) : undefined
}

function machineOf(settings: Settings): Machine {
  const printer = sectionOf(settings, 'printer')
  const maxVelocity = positive(printer, 'max_velocity') ?? 300
  const maxAccel = positive(printer, 'max_accel') ?? 3000
  const bed = sectionOf(settings, 'heater_bed')
  const arcs = settings.gcode_arcs
  const retraction = settings.firmware_retraction
  return {
    kinematics: typeof printer.kinematics === 'string' ? printer.kinematics : 'unknown',
    limits: {
      maxVelocity,
      maxAccel,
      ...cruiseLimitsOf(printer, maxAccel),
      squareCornerVelocity: numberOf(printer, 'square_corner_velocity') ?? 5,
    },
    z: {
      velocity: positive(printer, 'max_z_velocity') ?? maxVelocity,
      accel: positive(printer, 'max_z_accel') ?? maxAccel,
    },
    ...reachOf(settings),
    extruders: extrudersOf(settings, { maxVelocity, maxAccel }),
    bedMaxTemp: numberOf(bed, 'max_temp') ?? null,
    arcResolution: isPlainObject(arcs) ? (positive(arcs, 'resolution') ?? 1) : null,
    retraction: isPlainObject(retraction) ? retractionOf(retraction) : null,
  }
}

/** Klipper before 2024 has max_accel_to_decel in place of minimum_cruise_ratio. */
function cruiseLimitsOf(
  printer: Section,
  maxAccel: number,
): Pick<MotionLimits, 'minimumCruiseRatio' | 'accelToDecel'> {
  const ratio = numberOf(printer, 'minimum_cruise_ratio')
  const accelToDecel = positive(printer, 'max_accel_to_decel')
  if (ratio !== undefined || accelToDecel === undefined) return { minimumCruiseRatio: ratio ?? 0.5 }
  return { minimumCruiseRatio: 1 - Math.min(1, accelToDecel / maxAccel), accelToDecel }
}

function reachOf(settings: Settings): Pick<Machine, 'ranges' | 'radius' | 'delta' | 'homed'> {
  const rails = AXES.map(axis => sectionOf(settings, `stepper_${axis}`))
  const ranges = rails.map(
    rail => [numberOf(rail, 'position_min') ?? 0, numberOf(rail, 'position_max')] as const,
  )
  if (ranges.every((range): range is readonly [number, number] => range[1] !== undefined)) {
    const [x, y] = rails.map(rail => numberOf(rail, 'position_endstop') ?? 0)
    return {
      ranges,
      radius: null,
      delta: null,
      homed: [x!, y!, numberOf(rails[2]!, 'position_endstop') ?? 0],
    }
  }
  return deltaReachOf(settings) ?? { ranges: null, radius: null, delta: null, homed: [0, 0, 0] }
}

function deltaReachOf(
  settings: Settings,
): Pick<Machine, 'ranges' | 'radius' | 'delta' | 'homed'> | undefined {
  const printer = sectionOf(settings, 'printer')
  const towers = ['a', 'b', 'c'].map(tower => sectionOf(settings, `stepper_${tower}`))
  const top = numberOf(towers[0]!, 'position_endstop')
  const radius = positive(printer, 'delta_radius')
  const arms = towers.flatMap(tower => positive(tower, 'arm_length') ?? [])
  if (printer.kinematics !== 'delta' || top === undefined || radius === undefined) return undefined
  const printRadius = positive(printer, 'print_radius') ?? radius
  const delta = arms.length === 0 ? null : deltaReach({ radius, printRadius, armLength: Math.min(...arms) })
  const most = delta?.most ?? printRadius
  const side = [-most, most] as const
  const bottom = numberOf(printer, 'minimum_z_position') ?? 0
  return { ranges: [side, side, [bottom, top]], radius: most, delta, homed: [0, 0, top] }
}

function extrudersOf(
  settings: Settings,
  limits: { readonly maxVelocity: number; readonly maxAccel: number },
): Record<string, MachineExtruder> {
  const found: Record<string, MachineExtruder> = {}
  for (const [name, section] of Object.entries(settings)) {
    if (!/^extruder\d*$/.test(name) || !isPlainObject(section)) continue
    const nozzle = positive(section, 'nozzle_diameter') ?? 0.4
    const values = {
      nozzle,
      filament: positive(section, 'filament_diameter') ?? 1.75,
      crossSection: positive(section, 'max_extrude_cross_section'),
      onlyVelocity: positive(section, 'max_extrude_only_velocity'),
      onlyAccel: positive(section, 'max_extrude_only_accel'),
      onlyDistance: numberOf(section, 'max_extrude_only_distance'),
      cornerVelocity: numberOf(section, 'instantaneous_corner_velocity'),
    }
    found[name] = { limits: extruderLimits(values, limits), maxTemp: numberOf(section, 'max_temp') ?? null }
  }
  return found
}

function retractionOf(section: Section): RetractionSettings {
  return {
    length: numberOf(section, 'retract_length') ?? 0,
    speed: positive(section, 'retract_speed') ?? 20,
    extra: numberOf(section, 'unretract_extra_length') ?? 0,
    backSpeed: positive(section, 'unretract_speed') ?? 10,
  }
}

function sectionOf(settings: Settings, name: string): Section {
  const section = settings[name]
  return isPlainObject(section) ? section : {}
}

function numberOf(section: Section, option: string): number | undefined {
  const value = section[option]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function positive(section: Section, option: string): number | undefined {
  const value = numberOf(section, option)
  return value !== undefined && value > 0 ? value : undefined
}
