// Motors on and off, and the commands that move a single motor.

import { MOTORS_OFF } from '../../motion/timing.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { GcodeMove } from './gcode-move.ts'
import type { Toolhead } from './toolhead.ts'

/** The `stepper_enable` object. */
export class StepperEnable {
  readonly #toolhead: Toolhead
  readonly #enabled = new Map<string, boolean>()

  constructor(host: Host, toolhead: Toolhead, names: readonly string[]) {
    this.#toolhead = toolhead
    for (const name of names) this.#enabled.set(name, false)
    const { gcode } = host
    const off = async () => {
      if (this.anyOn) await toolhead.dwell(MOTORS_OFF)
      await toolhead.settle()
      this.disableAll()
    }
    gcode.register('M18', off)
    gcode.register('M84', off)
    gcode.register(
      'SET_STEPPER_ENABLE',
      command => {
        this.#enabled.set(command.option('STEPPER', this.#enabled.keys()), command.integer('ENABLE', 1) !== 0)
      },
      'Enable/disable individual stepper by name',
    )
    toolhead.onMove(() => this.#wake())
  }

  get anyOn(): boolean {
    return [...this.#enabled.values()].some(on => on)
  }

  disableAll(): void {
    for (const name of this.#enabled.keys()) this.#enabled.set(name, false)
    this.#toolhead.unhome()
  }

  status(): Status {
    return { steppers: Object.fromEntries(this.#enabled) }
  }

  // Which motors a move needs: those of the axes that it moves, and the extruder's.
  #wake(): void {
    const move = this.#toolhead.timeline.newest
    if (move === undefined) return
    for (const name of this.#enabled.keys()) {
      const axis = name.replace(/^stepper_/, '')[0]!
      const needed = name.startsWith('extruder')
        ? move.de !== 0 && name === this.#toolhead.extruder?.name
        : axis === 'x'
          ? move.dx !== 0
          : axis === 'y'
            ? move.dy !== 0
            : axis === 'z'
              ? move.dz !== 0
              : move.kinematic
      if (needed) this.#enabled.set(name, true)
    }
  }
}

/** Registers `[force_move]`'s commands. */
export function forceMoveCommands(
  host: Host,
  toolhead: Toolhead,
  gcodeMove: GcodeMove,
  motors: ReadonlySet<string>,
): void {
  const { gcode, config } = host
  const motor = (command: GcodeCommand) => command.option('STEPPER', motors)
  gcode.register(
    'STEPPER_BUZZ',
    async command => {
      motor(command)
      await toolhead.dwell(10)
      await toolhead.settle()
    },
    'Oscillate a given stepper to help id it',
  )
  if (!config.section('force_move').boolean('enable_force_move', false)) return
  gcode.register(
    'SET_KINEMATIC_POSITION',
    async command => {
      const position = toolhead.position
      for (const [axis, name] of ['X', 'Y', 'Z'].entries())
        position[axis] = command.number(name, position[axis])
      const homed = command.has('SET_HOMED') ? command.text('SET_HOMED').toLowerCase() : 'xyz'
      await toolhead.settle()
      toolhead.setPosition(position, homed)
      toolhead.unhome(command.text('CLEAR_HOMED', command.text('CLEAR', '')).toLowerCase())
      gcodeMove.adopt()
    },
    'Force a low-level kinematic position',
  )
  gcode.register(
    'FORCE_MOVE',
    async command => {
      motor(command)
      const distance = Math.abs(command.number('DISTANCE'))
      const velocity = command.number('VELOCITY', undefined, { above: 0 })
      await toolhead.dwell(distance / velocity)
      await toolhead.settle()
      toolhead.unhome()
    },
    'Manually move a stepper; invalidates kinematics',
  )
}
