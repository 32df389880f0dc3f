// The reach of the machine: axis ranges, homed axes, and the limits of Z, for each kind of kinematics.

import { type DeltaReach, deltaReach, limitOnDelta } from '../../motion/delta.ts'
import type { Move } from '../../motion/move.ts'
import type { Config } from '../config/config.ts'
import type { Section } from '../config/section.ts'
import { ConfigError, GcodeError } from '../errors.ts'

/** One axis or tower with an end stop. */
export interface Rail {
  /** `stepper_x`. */
  readonly name: string
  readonly min: number
  readonly max: number
  readonly endstop: number
  readonly homingSpeed: number
  readonly secondHomingSpeed: number
  readonly retractSpeed: number
  readonly retractDistance: number
  readonly homesPositive: boolean
  /** The end stop is the probe. */
  readonly byProbe: boolean
}

/** Ranges and checks of the machine's axes. */
export interface Kinematics {
  readonly rails: readonly Rail[]
  /** Names of all steppers that move axes, for enabling and reports. */
  readonly steppers: readonly string[]
  readonly axisMinimum: readonly number[]
  readonly axisMaximum: readonly number[]
  /** Towers home together to the top. */
  readonly homesTogether: boolean
  /** Limits a move. Throws GcodeError when it leaves the range or an axis is not homed. */
  check(move: Move, homed: string): void
}

/** The axes by name, in the order of positions. */
export const AXES = ['x', 'y', 'z'] as const

/** Reads `[printer]` and the steppers. Throws ConfigError. */
export function readKinematics(config: Config): Kinematics {
  const printer = config.section('printer')
  const kind = printer.text('kinematics')
  const known = ['cartesian', 'corexy', 'corexz', 'hybrid_corexy', 'hybrid_corexz', 'generic_cartesian']
  const round = ['delta', 'deltesian', 'rotary_delta', 'polar', 'winch']
  if (kind === 'none') return noKinematics()
  if (known.includes(kind)) return boxKinematics(config, printer)
  if (round.includes(kind)) return roundKinematics(config, printer, kind)
  throw new ConfigError(`Error loading kinematics '${kind}'`)
}

function zLimits(printer: Section, maxVelocity: number, maxAccel: number) {
  return {
    speed: printer.number('max_z_velocity', maxVelocity, { above: 0, max: maxVelocity }),
    accel: printer.number('max_z_accel', maxAccel, { above: 0, max: maxAccel }),
  }
}

function outOfRange(move: Move, text: string): GcodeError {
  const numbers = [move.startX + move.dx, move.startY + move.dy, move.startZ + move.dz, move.startE + move.de]
  const [x, y, z, e] = numbers.map(value => value.toFixed(3))
  return new GcodeError(`${text}: ${x} ${y} ${z} [${e}]`)
}

function boxKinematics(config: Config, printer: Section): Kinematics {
  const rails = AXES.map(axis => readRail(config.section(`stepper_${axis}`)))
  const min = rails.map(rail => rail.min)
  const max = rails.map(rail => rail.max)
  const limit = zLimits(printer, printer.number('max_velocity'), printer.number('max_accel'))
  return {
    rails,
    steppers: stepperNames(config, AXES),
    axisMinimum: [...min, 0],
    axisMaximum: [...max, 0],
    homesTogether: false,
    check(move, homed) {
      checkAxis(move, move.dx, move.startX + move.dx, rails[0]!, homed, 'x')
      checkAxis(move, move.dy, move.startY + move.dy, rails[1]!, homed, 'y')
      if (move.dz === 0) return
      checkAxis(move, move.dz, move.startZ + move.dz, rails[2]!, homed, 'z')
      const ratio = move.length / Math.abs(move.dz)
      move.limit(limit.speed * ratio, limit.accel * ratio)
    },
  }
}

function checkAxis(move: Move, delta: number, end: number, rail: Rail, homed: string, axis: string): void {
  if (delta === 0) return
  if (!homed.includes(axis)) throw outOfRange(move, 'Must home axis first')
  if (end < rail.min - 1e-9 || end > rail.max + 1e-9) throw outOfRange(move, 'Move out of range')
}

// Deltas and other round machines: only their limits, a cylinder of radius print_radius.
function roundKinematics(config: Config, printer: Section, kind: string): Kinematics {
  const letters = kind.includes('delta') ? ['a', 'b', 'c'] : ['bed', 'arm', 'z', 'a', 'b', 'c', 'd']
  const names = letters.map(letter => `stepper_${letter}`).filter(name => config.has(name))
  const first = config.section(names.at(kind === 'delta' ? 0 : -1) ?? 'stepper_a')
  const towersRadius = printer.number('delta_radius', 150, { above: 0 })
  const printRadius = printer.number('print_radius', towersRadius, { above: 0 })
  const delta = kind === 'delta' ? readDelta(config, names, { radius: towersRadius, printRadius }) : null
  const radius = delta?.most ?? printRadius
  const top = first.number('position_endstop', first.number('position_max', 250))
  const bottom = printer.number('minimum_z_position', 0)
  const rail = { ...readRail(first, top, bottom), homesPositive: true }
  const [maxVelocity, maxAccel] = [printer.number('max_velocity'), printer.number('max_accel')]
  const limit = zLimits(printer, maxVelocity, maxAccel)
  return {
    rails: names.map(name => ({ ...rail, name })),
    steppers: stepperNames(config, letters),
    axisMinimum: [-radius, -radius, bottom, 0],
    axisMaximum: [radius, radius, top, 0],
    homesTogether: true,
    check(move, homed) {
      if (!move.kinematic) return
      if (homed.length < 3) throw outOfRange(move, 'Must home first')
      const z = move.startZ + move.dz
      const reach = Math.hypot(move.startX + move.dx, move.startY + move.dy)
      if (reach > radius + 1e-6 || z < bottom - 1e-9 || z > top + 1e-9)
        throw outOfRange(move, 'Move out of range')
      if (delta !== null) limitOnDelta(move, delta, { maxVelocity, maxAccel })
      if (move.dz === 0) return
      const ratio = move.length / Math.abs(move.dz)
      move.limit(limit.speed * ratio, limit.accel * ratio)
    },
  }
}

function readDelta(
  config: Config,
  towers: readonly string[],
  { radius, printRadius }: { readonly radius: number; readonly printRadius: number },
): DeltaReach {
  const [first, ...others] = towers.map(name => config.section(name))
  const arm = first?.number('arm_length', undefined, { above: radius }) ?? radius
  const arms = others.map(tower => tower.number('arm_length', arm, { above: radius }))
  return deltaReach({ radius, printRadius, armLength: Math.min(arm, ...arms) })
}

function noKinematics(): Kinematics {
  const zero = [0, 0, 0, 0]
  return {
    rails: [],
    steppers: [],
    axisMinimum: zero,
    axisMaximum: zero,
    homesTogether: false,
    check: () => {},
  }
}

function readRail(section: Section, top?: number, bottom?: number): Rail {
  for (const pin of ['step_pin', 'dir_pin']) section.text(pin)
  section.text('enable_pin', '')
  section.integer('microsteps', 16, { min: 1 })
  section.number('rotation_distance', undefined, { above: 0 })
  section.integer('full_steps_per_rotation', 200, { min: 1 })
  section.note('gear_ratio', [])
  const byProbe = section.text('endstop_pin', '').includes('z_virtual_endstop')
  const min = bottom ?? section.number('position_min', 0)
  const max = top ?? section.number('position_max', undefined, { above: min })
  const endstop = byProbe ? 0 : section.number('position_endstop', top, { min, max })
  const homingSpeed = section.number('homing_speed', 5, { above: 0 })
  return {
    name: section.name,
    min,
    max,
    endstop,
    homingSpeed,
    secondHomingSpeed: section.number('second_homing_speed', homingSpeed / 2, { above: 0 }),
    retractSpeed: section.number('homing_retract_speed', homingSpeed, { above: 0 }),
    retractDistance: section.number('homing_retract_dist', 5, { min: 0 }),
    homesPositive: section.boolean('homing_positive_dir', !byProbe && endstop > (min + max) / 2),
    byProbe,
  }
}

function stepperNames(config: Config, letters: readonly string[]): string[] {
  return config.names.filter(name => letters.some(letter => new RegExp(`^stepper_${letter}\\d*$`).test(name)))
}
