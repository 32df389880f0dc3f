// G28: homes axis by axis; with safe_z_home and homing_override.

import { GcodeError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from './gcode-move.ts'
import { AXES, type Rail } from './kinematics.ts'
import type { Toolhead } from './toolhead.ts'

/** The true position of the carriage, in mm from the machine's origin. */
export type Carriage = [number, number, number]

/** Homes axes; safe_z_home and homing_override use it. */
export class Homing {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #gcodeMove: GcodeMove
  /** True position minus commanded position. */
  readonly #offset: Carriage

  constructor(host: Host, toolhead: Toolhead, gcodeMove: GcodeMove) {
    this.#host = host
    this.#toolhead = toolhead
    this.#gcodeMove = gcodeMove
    const { axisMinimum, axisMaximum } = toolhead.kinematics
    const share = (axis: number, part: number) =>
      axisMinimum[axis]! + (axisMaximum[axis]! - axisMinimum[axis]!) * part
    this.#offset = [share(0, 0.4), share(1, 0.4), Math.min(30, share(2, 0.2))]
  }

  /** Runs G28 for the axes that it names, or all. */
  async home(command: GcodeCommand): Promise<void> {
    await this.homeAxes(axesOf(command))
  }

  async homeAxes(axes: readonly string[]): Promise<void> {
    const { kinematics } = this.#toolhead
    await this.#toolhead.settle()
    if (kinematics.homesTogether) await this.#homeTowers()
    else {
      for (const axis of axes) {
        const index = 'xyz'.indexOf(axis)
        const rail = kinematics.rails[index]
        if (rail !== undefined) await this.#homeRail(index, rail)
      }
    }
    this.#gcodeMove.homed(axes.join(''))
  }

  // Moves fast to the end stop, back a little, and slowly to the end stop again, as real machines do.
  async #homeRail(axis: number, rail: Rail): Promise<void> {
    const toolhead = this.#toolhead
    const direction = rail.homesPositive ? 1 : -1
    const trueStart = toolhead.position[axis]! + this.#offset[axis]!
    const forced = rail.endstop - direction * 1.5 * (rail.max - rail.min)
    this.#place(axis, forced, 'xyz'[axis]!)
    const distance = Math.max(0.1, Math.abs(trueStart - rail.endstop))
    await this.#travel(axis, forced + direction * distance, rail.homingSpeed)
    this.#offset[axis] = 0
    this.#place(axis, rail.endstop, 'xyz'[axis]!)
    if (rail.retractDistance === 0) return
    await this.#travel(axis, rail.endstop - direction * rail.retractDistance, rail.retractSpeed)
    await this.#travel(axis, rail.endstop, rail.secondHomingSpeed)
  }

  async #homeTowers(): Promise<void> {
    const { rails, axisMaximum } = this.#toolhead.kinematics
    const rail = rails[0]!
    const top = axisMaximum[2]!
    this.#toolhead.setPosition(Float64Array.of(0, 0, this.#offset[2], this.#toolhead.position[3]!), 'xyz')
    this.#gcodeMove.adopt()
    await this.#travel(2, top, rail.homingSpeed)
    await this.#travel(2, top - rail.retractDistance, rail.retractSpeed)
    await this.#travel(2, top, rail.secondHomingSpeed)
  }

  #place(axis: number, value: number, homing: string): void {
    const position = this.#toolhead.position
    position[axis] = value
    this.#toolhead.setPosition(position, homing)
    this.#gcodeMove.adopt()
  }

  async #travel(axis: number, value: number, speed: number): Promise<void> {
    const position = this.#toolhead.position
    position[axis] = value
    await this.#toolhead.forceMove(position, speed)
    if (this.#host.lifecycle.state === 'shutdown')
      throw new GcodeError('Homing failed due to printer shutdown')
    this.#gcodeMove.adopt()
  }
}

// The axes that a command names, or all.
function axesOf(command: GcodeCommand): readonly string[] {
  const named = AXES.filter(axis => command.has(axis.toUpperCase()))
  return named.length === 0 ? AXES : named
}

/** Registers G28 as configured. `script` renders a G-code template. */
export function homingCommands(
  host: Host,
  homing: Homing,
  toolhead: Toolhead,
  gcodeMove: GcodeMove,
  script: (template: string, command: GcodeCommand) => Promise<string>,
): void {
  const { gcode, config } = host
  if (config.has('homing_override')) {
    const section = config.section('homing_override')
    const axes = section.text('axes', 'XYZ').toUpperCase()
    const template = section.text('gcode')
    const places = AXES.map(axis => section.optionalNumber(`set_position_${axis}`))
    let inside = false
    gcode.register('G28', async command => {
      const overridden = axesOf(command).some(axis => axes.includes(axis.toUpperCase()))
      if (inside || !overridden) return homing.home(command)
      const position = toolhead.position
      let placed = ''
      for (const [axis, place] of places.entries()) {
        if (place === undefined) continue
        position[axis] = place
        placed += 'xyz'[axis]
      }
      if (placed !== '') toolhead.setPosition(position, placed)
      inside = true
      try {
        await gcode.runNested(await host.clock.hold(() => script(template, command)))
      } finally {
        inside = false
      }
      return undefined
    })
  } else if (config.has('safe_z_home')) safeZHome(host, homing, toolhead, gcodeMove)
  else gcode.register('G28', command => homing.home(command))
}

function safeZHome(host: Host, homing: Homing, toolhead: Toolhead, gcodeMove: GcodeMove): void {
  const section = host.config.section('safe_z_home')
  const [homeX, homeY] = section.numbers('home_xy_position', undefined, 2) as [number, number]
  const hop = section.number('z_hop', 0)
  const hopSpeed = section.number('z_hop_speed', 15, { above: 0 })
  const speed = section.number('speed', 50, { above: 0 })
  const moveBack = section.boolean('move_to_previous', false)
  const manual = async (changes: Partial<Record<0 | 1 | 2, number>>, velocity: number) => {
    const position = toolhead.position
    for (const axis of [0, 1, 2] as const) position[axis] = changes[axis] ?? position[axis]!
    await toolhead.move(position, velocity)
    gcodeMove.adopt()
  }
  const lift = async () => {
    if (hop === 0) return
    if (!toolhead.homed.includes('z')) {
      const position = toolhead.position
      position[2] = 0
      toolhead.setPosition(position, 'z')
      await manual({ 2: hop }, hopSpeed)
      toolhead.unhome('z')
    } else if (toolhead.position[2]! < hop) await manual({ 2: hop }, hopSpeed)
  }
  host.gcode.register('G28', async command => {
    await lift()
    const axes = axesOf(command)
    const flat = axes.filter(axis => axis !== 'z')
    if (flat.length > 0) await homing.homeAxes(flat)
    if (!axes.includes('z')) return
    if (!toolhead.homed.includes('x') || !toolhead.homed.includes('y')) {
      throw new GcodeError('Must home X and Y axes first')
    }
    const [backX, backY] = toolhead.position
    await manual({ 0: homeX, 1: homeY }, speed)
    await homing.homeAxes(['z'])
    if (hop !== 0) await manual({ 2: Math.max(toolhead.position[2]!, hop) }, hopSpeed)
    if (moveBack) await manual({ 0: backX!, 1: backY! }, speed)
  })
}
