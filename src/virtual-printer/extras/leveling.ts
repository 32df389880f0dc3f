// Levelling with several Z motors, and screws measured with the probe.

import type { Section } from '../config/section.ts'
import { GcodeError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { StatusSource } from '../objects.ts'
import type { Probe } from './probe.ts'

/** The parts that these modules move and measure with. */
export interface LevelingParts {
  readonly toolhead: Toolhead
  readonly gcodeMove: GcodeMove
  readonly probe: () => Probe | undefined
}

async function measure(parts: LevelingParts, section: Section, points: number[][]): Promise<number[]> {
  const { toolhead, gcodeMove } = parts
  const probe = parts.probe()
  if (probe === undefined) throw new GcodeError('Unable to probe: no probe is configured')
  if (!toolhead.homed.includes('z')) throw new GcodeError('Must home before probe')
  const speed = section.number('speed', 50, { above: 0 })
  const height = section.number('horizontal_move_z', 5)
  const heights: number[] = []
  for (const [x = 0, y = 0] of points) {
    const position = toolhead.position
    position[2] = height
    await toolhead.move(position, speed)
    position[0] = x
    position[1] = y
    await toolhead.move(position, speed)
    gcodeMove.adopt()
    heights.push(await probe.probe())
  }
  return heights
}

/** `[z_tilt]` and `[quad_gantry_level]`: their command measures, and reports a level result. */
export function tiltAdjust(host: Host, section: Section, parts: LevelingParts): StatusSource {
  const command = section.name === 'quad_gantry_level' ? 'QUAD_GANTRY_LEVEL' : 'Z_TILT_ADJUST'
  const help =
    command === 'Z_TILT_ADJUST'
      ? 'Adjust the Z tilt'
      : 'Conform a moving, twistable gantry to the shape of a stationary bed'
  const points = section.table('points')
  let applied = false
  host.gcode.register(
    command,
    async () => {
      applied = false
      const heights = await measure(parts, section, points)
      const range = Math.max(...heights) - Math.min(...heights)
      host.gcode.respondInfo(`Retries: 0/0 Probed points range: ${range.toFixed(6)} tolerance: 0.000000`)
      applied = true
    },
    help,
  )
  return { status: () => ({ applied }) }
}

interface ScrewResult {
  z: number
  sign: 'CW' | 'CCW'
  adjust: string
  is_base: boolean
}

/** `[screws_tilt_adjust]`: how far each screw has to be turned. */
export function screwsTiltAdjust(host: Host, section: Section, parts: LevelingParts): StatusSource {
  const screws = section
    .optionsWith('screw')
    .filter(option => /^screw\d+$/.test(option))
    .map(option => ({
      place: section.numbers(option, undefined, 2),
      name: section.text(`${option}_name`, option),
    }))
  const pitch =
    { M3: 0.5, M4: 0.7, M5: 0.8, M6: 1 }[section.text('screw_thread', 'CW-M3').split('-')[1] ?? 'M3'] ?? 0.5
  let results: Record<string, ScrewResult> = {}
  host.gcode.register(
    'SCREWS_TILT_CALCULATE',
    async () => {
      const heights = await measure(
        parts,
        section,
        screws.map(screw => screw.place),
      )
      host.gcode.respondInfo('01:20 means 1 full turn and 20 minutes, CW=clockwise, CCW=counter-clockwise')
      results = Object.fromEntries(
        heights.map((z, index): [string, ScrewResult] => {
          const turns = Math.abs(heights[0]! - z) / pitch
          const minutes = Math.round((turns % 1) * 60)
          const adjust = `${String(Math.trunc(turns)).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
          const sign = heights[0]! >= z ? 'CW' : 'CCW'
          const { name, place } = screws[index]!
          const advice = index === 0 ? '(base)' : `: adjust ${sign} ${adjust}`
          host.gcode.respondInfo(`${name} ${advice}: x=${place[0]}, y=${place[1]}, z=${z.toFixed(5)}`)
          return [`screw${index + 1}`, { z, sign, adjust, is_base: index === 0 }]
        }),
      )
    },
    'Tool to help adjust bed leveling screws by calculating the number of turns to level it.',
  )
  return { status: () => ({ error: false, max_deviation: null, results }) }
}
