// Manual probing of Z: MANUAL_PROBE, PROBE_CALIBRATE and the commands within them.

import { GcodeError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'
import type { Probe } from './probe.ts'
import { applyZOffset, offerConfig } from './z-offset.ts'

const HELPERS = ['ACCEPT', 'NEXT', 'ABORT', 'TESTZ']
/** The farthest move of `TESTZ Z=+` and `Z=-`, in mm. */
const MAX_STEP = 0.2

/** The `manual_probe` object, and the manual probe that it reports. */
export class ManualProbe {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #gcodeMove: GcodeMove
  #finish: ((z: number | undefined) => void) | undefined
  /** Where the manual probe started. */
  #start: Float64Array = new Float64Array()
  /** Heights tried so far, ascending. */
  #tried: number[] = []

  constructor(host: Host, toolhead: Toolhead, gcodeMove: GcodeMove) {
    this.#host = host
    this.#toolhead = toolhead
    this.#gcodeMove = gcodeMove
    host.gcode.register(
      'MANUAL_PROBE',
      () =>
        this.start(z => {
          if (z !== undefined) host.gcode.respondInfo(`Z position is ${z.toFixed(3)}`)
        }),
      'Start manual probe helper script',
    )
    const endstop = host.config.section('stepper_z')
    if (endstop.has('position_endstop')) {
      host.gcode.register(
        'Z_ENDSTOP_CALIBRATE',
        () =>
          this.start(z =>
            this.#offer('stepper_z', 'position_endstop', endstop.number('position_endstop'), z),
          ),
        'Calibrate a Z endstop',
      )
    }
    for (const names of [['stepper_z'], ['stepper_a', 'stepper_b', 'stepper_c']]) this.#applies(names)
  }

  /** Registers Z_OFFSET_APPLY_ENDSTOP for the endstops of these steppers, if all have a position. */
  #applies(names: readonly string[]): void {
    const { config, gcode } = this.#host
    const sections = names.map(name => config.section(name))
    if (!sections.every(section => section.has('position_endstop'))) return
    const positions = sections.map(section => section.number('position_endstop'))
    gcode.register(
      'Z_OFFSET_APPLY_ENDSTOP',
      () =>
        applyZOffset(this.#host, this.#gcodeMove, offset =>
          names.map((name, index) => [name, 'position_endstop', positions[index]! - offset]),
        ),
      'Adjust the z endstop_position',
    )
  }

  /** Registers PROBE_CALIBRATE for a probe. */
  calibrates(probe: Probe): void {
    this.#host.gcode.register(
      'PROBE_CALIBRATE',
      async () => {
        const touched = await probe.probe()
        this.start(z => this.#offer(probe.name, 'z_offset', touched, z))
      },
      "Calibrate the probe's z_offset",
    )
  }

  /** Starts a manual probe; `finish` gets the accepted height, or undefined after ABORT. */
  start(finish: (z: number | undefined) => void): void {
    const { gcode } = this.#host
    if (this.#finish !== undefined) {
      throw new GcodeError('Already in a manual Z probe. Use ABORT to abort it.')
    }
    this.#finish = finish
    this.#start = this.#toolhead.position
    this.#tried = []
    gcode.register('ACCEPT', () => this.#accept(), 'Accept the current Z position')
    gcode.register('NEXT', () => this.#accept())
    gcode.register('ABORT', () => this.#end(false), 'Abort manual Z probing tool')
    gcode.register('TESTZ', command => this.#test(command), 'Move to new Z height')
    gcode.respondInfo(
      'Starting manual Z probe. Use TESTZ to adjust position.\nFinish with ACCEPT or ABORT command.',
    )
    this.#report()
  }

  status(): Status {
    const active = this.#finish !== undefined
    const z = this.#toolhead.position[2]!
    return {
      is_active: active,
      z_position: active ? z : null,
      z_position_lower: active ? (this.#tried.findLast(tried => tried < z) ?? null) : null,
      z_position_upper: active ? (this.#tried.find(tried => tried > z) ?? null) : null,
    }
  }

  async #test(command: GcodeCommand): Promise<void> {
    const position = this.#toolhead.position
    const z = position[2]!
    if (!this.#tried.includes(z)) this.#tried = [...this.#tried, z].sort((a, b) => a - b)
    position[2] = this.#next(command, z)
    await this.#toolhead.move(position, 5)
    await this.#toolhead.settle()
    this.#gcodeMove.adopt()
    this.#report()
  }

  // `+` and `-` move halfway to the nearest height tried on that side, `++` and `--` to it.
  #next(command: GcodeCommand, z: number): number {
    const request = command.text('Z')
    if (request === '+' || request === '++') {
      const above = this.#tried.find(tried => tried > z) ?? Number.POSITIVE_INFINITY
      return Math.min(request === '++' ? above : (z + above) / 2, z + MAX_STEP)
    }
    if (request === '-' || request === '--') {
      const below = this.#tried.findLast(tried => tried < z) ?? Number.NEGATIVE_INFINITY
      return Math.max(request === '--' ? below : (z + below) / 2, z - MAX_STEP)
    }
    return z + command.number('Z')
  }

  #report(): void {
    const { z_position, z_position_lower, z_position_upper } = this.status()
    const text = (z: unknown) => (typeof z === 'number' ? z.toFixed(3) : '??????')
    this.#host.gcode.respondInfo(
      `Z position: ${text(z_position_lower)} --> ${text(z_position)} <-- ${text(z_position_upper)}`,
    )
  }

  /** Fails where the nozzle has not been lowered since the start. */
  #accept(): void {
    const [x, y, z] = this.#toolhead.position
    const [startX, startY, startZ] = this.#start
    const isLowered = x === startX && y === startY && z! < startZ!
    if (!isLowered) {
      this.#host.gcode.respondInfo(
        'Manual probe failed! Use TESTZ commands to position the\nnozzle prior to running ACCEPT.',
      )
    }
    this.#end(isLowered)
  }

  #end(accepted: boolean): void {
    const finish = this.#finish
    this.#finish = undefined
    for (const name of HELPERS) this.#host.gcode.unregister(name)
    finish?.(accepted ? this.#toolhead.position[2] : undefined)
  }

  #offer(section: string, option: string, base: number, z: number | undefined): void {
    if (z !== undefined) offerConfig(this.#host, [[section, option, base - z]])
  }
}
