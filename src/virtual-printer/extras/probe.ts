// The Z probe: PROBE and related commands, and the measurements for bed meshes.

import type { Section } from '../config/section.ts'
import { GcodeError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'
import { bedHeight } from './bed-surface.ts'
import { applyZOffset } from './z-offset.ts'

/** `[probe]`, `[bltouch]` and other probes. */
export class Probe {
  readonly name: string
  readonly offsets: readonly [x: number, y: number, z: number]
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #gcodeMove: GcodeMove
  readonly #speed: number
  readonly #liftSpeed: number
  readonly #retract: number
  #triggered = false
  #lastZ = 0
  #lastPosition = [0, 0, 0, 0]

  constructor(host: Host, section: Section, toolhead: Toolhead, gcodeMove: GcodeMove) {
    this.#host = host
    this.#toolhead = toolhead
    this.#gcodeMove = gcodeMove
    this.name = section.name
    this.offsets = [section.number('x_offset', 0), section.number('y_offset', 0), section.number('z_offset')]
    this.#speed = section.number('speed', 5, { above: 0 })
    this.#liftSpeed = section.number('lift_speed', this.#speed, { above: 0 })
    section.integer('samples', 1, { min: 1 })
    this.#retract = section.number('sample_retract_dist', 2, { above: 0 })
    section.choice('samples_result', ['average', 'median'], 'average')
    section.number('samples_tolerance', 0.1, { min: 0 })
    section.integer('samples_tolerance_retries', 0, { min: 0 })
    section.boolean('deactivate_on_each_sample', true)
    section.text('activate_gcode', '')
    section.text('deactivate_gcode', '')
    this.#register()
  }

  /** Moves down until the probe touches the bed, then up a little; resolves with the height of the bed. */
  async probe(): Promise<number> {
    const toolhead = this.#toolhead
    if (!toolhead.homed.includes('z')) throw new GcodeError('Must home before probe')
    const { gcode } = this.#host
    const position = toolhead.position
    const [x, y] = position as unknown as [number, number]
    const z = bedHeight(x + this.offsets[0], y + this.offsets[1]) + this.offsets[2]
    await this.#to(z, this.#speed)
    this.#triggered = true
    this.#lastZ = z
    this.#lastPosition = [x + this.offsets[0], y + this.offsets[1], z - this.offsets[2], 0]
    gcode.respondInfo(`probe: at ${x.toFixed(3)},${y.toFixed(3)} bed will contact at z=${z.toFixed(6)}`)
    await this.#to(z + this.#retract, this.#liftSpeed)
    this.#triggered = false
    return z
  }

  status(): Status {
    return {
      name: this.name,
      last_query: this.#triggered,
      last_probe_position: this.#lastPosition,
      last_z_result: this.#lastZ,
    }
  }

  async #to(z: number, speed: number): Promise<void> {
    const position = this.#toolhead.position
    position[2] = z
    await this.#toolhead.forceMove(position, speed)
    if (this.#host.lifecycle.state === 'shutdown')
      throw new GcodeError('Probing failed due to printer shutdown')
    this.#gcodeMove.adopt()
  }

  #register(): void {
    const { gcode } = this.#host
    gcode.register(
      'QUERY_PROBE',
      async () => {
        await this.#toolhead.settle()
        gcode.respondInfo(`probe: ${this.#triggered ? 'TRIGGERED' : 'open'}`)
      },
      'Return the status of the z-probe',
    )
    gcode.register(
      'PROBE',
      async () => {
        const z = await this.probe()
        const [x, y] = this.#lastPosition as unknown as [number, number]
        gcode.respondInfo(`Result: at ${x.toFixed(3)},${y.toFixed(3)} estimate contact at z=${z.toFixed(6)}`)
      },
      'Probe Z-height at current XY position',
    )
    gcode.register(
      'PROBE_ACCURACY',
      command => this.#accuracy(command),
      'Probe Z-height accuracy at current XY position',
    )
    gcode.register(
      'Z_OFFSET_APPLY_PROBE',
      () =>
        applyZOffset(this.#host, this.#gcodeMove, offset => [
          [this.name, 'z_offset', this.offsets[2] - offset],
        ]),
      "Adjust the probe's z_offset",
    )
  }

  async #accuracy(command: GcodeCommand): Promise<void> {
    const samples = command.integer('SAMPLES', 10, { min: 1 })
    const { gcode } = this.#host
    const found: number[] = []
    for (let sample = 0; sample < samples; sample++) found.push(await this.probe())
    const sorted = found.toSorted((a, b) => a - b)
    const max = sorted.at(-1)!
    const min = sorted[0]!
    const average = found.reduce((sum, z) => sum + z, 0) / samples
    const median = sorted[Math.floor(samples / 2)]!
    const deviation = Math.sqrt(found.reduce((sum, z) => sum + (z - average) ** 2, 0) / samples)
    const numbers = [max, min, max - min, average, median, deviation].map(value => value.toFixed(6))
    gcode.respondInfo(
      `probe accuracy results: maximum ${numbers[0]}, minimum ${numbers[1]}, range ${numbers[2]}, average ${numbers[3]}, median ${numbers[4]}, standard deviation ${numbers[5]}`,
    )
  }
}
