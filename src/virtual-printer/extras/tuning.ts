// Input shaper and skew correction: their settings are kept and reported; they do not change simulated motion.

import type { Section } from '../config/section.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'

const SHAPERS = ['zv', 'mzv', 'zvd', 'ei', '2hump_ei', '3hump_ei']

/** Registers SET_INPUT_SHAPER. */
export function inputShaper(host: Host, section: Section): void {
  const { gcode } = host
  const common = section.text('shaper_type', 'mzv')
  const axes = ['x', 'y', 'z'].map(axis => ({
    axis,
    type: section.text(`shaper_type_${axis}`, common),
    frequency: section.number(`shaper_freq_${axis}`, 0, { min: 0 }),
    damping: section.number(`damping_ratio_${axis}`, 0.1, { min: 0, max: 1 }),
  }))
  gcode.register(
    'SET_INPUT_SHAPER',
    command => {
      for (const shaper of axes) {
        const suffix = shaper.axis.toUpperCase()
        const type = command
          .text(`SHAPER_TYPE_${suffix}`, command.text('SHAPER_TYPE', shaper.type))
          .toLowerCase()
        if (!SHAPERS.includes(type)) throw new UnsupportedError(`Unsupported shaper type: ${type}`)
        shaper.type = type
        shaper.frequency = command.number(`SHAPER_FREQ_${suffix}`, shaper.frequency, { min: 0 })
        shaper.damping = command.number(`DAMPING_RATIO_${suffix}`, shaper.damping, { min: 0, max: 1 })
        // Klipper reports Z only where it is shaped.
        if (shaper.axis === 'z' && shaper.frequency === 0) continue
        gcode.respondInfo(
          `shaper_type_${shaper.axis}:${shaper.type} shaper_freq_${shaper.axis}:${shaper.frequency.toFixed(3)} damping_ratio_${shaper.axis}:${shaper.damping.toFixed(6)}`,
        )
      }
    },
    'Set cartesian parameters for input shaper',
  )
}

/** Creates the `skew_correction` object and its commands. */
export function skewCorrection(host: Host): StatusSource {
  const { gcode, config } = host
  let profile = ''
  let factors = { xy: 0, xz: 0, yz: 0 }
  const profiles = new Map<string, typeof factors>()
  for (const name of config.names) {
    if (!name.startsWith('skew_correction ')) continue
    const section = config.section(name)
    const read = (plane: string) => section.number(`${plane}_skew`, 0)
    profiles.set(section.title, { xy: read('xy'), xz: read('xz'), yz: read('yz') })
  }
  gcode.register(
    'GET_CURRENT_SKEW',
    () => {
      const lines = Object.entries(factors).map(
        ([plane, factor]) =>
          `${plane.toUpperCase()} Skew: ${factor.toFixed(6)} radians, ${((factor * 180) / Math.PI).toFixed(2)} degrees`,
      )
      gcode.respondInfo(`Current Printer Skew:\n${lines.join('\n')}`)
    },
    'Report current printer skew',
  )
  gcode.register(
    'CALC_MEASURED_SKEW',
    command => {
      const factor = skewOf(
        command.number('AC', undefined, { above: 0 }),
        command.number('BD', undefined, { above: 0 }),
        command.number('AD', undefined, { above: 0 }),
      )
      gcode.respondInfo(
        `Calculated Skew: ${factor.toFixed(6)} radians, ${((factor * 180) / Math.PI).toFixed(2)} degrees`,
      )
    },
    'Calculate skew from measured print',
  )
  gcode.register(
    'SET_SKEW',
    command => {
      if (command.integer('CLEAR', 0) !== 0) {
        factors = { xy: 0, xz: 0, yz: 0 }
        profile = ''
        return
      }
      for (const plane of ['xy', 'xz', 'yz'] as const) {
        const name = plane.toUpperCase()
        if (!command.has(name)) continue
        const lengths = command.text(name).split(',').map(Number)
        if (lengths.length !== 3 || lengths.some(length => !(length > 0))) {
          throw new GcodeError(
            `skew_correction: improperly formatted entry for plane [${name}]\n${command.line}`,
          )
        }
        factors = { ...factors, [plane]: skewOf(lengths[0]!, lengths[1]!, lengths[2]!) }
      }
    },
    'Set skew based on lengths of measured object',
  )
  gcode.register(
    'SKEW_PROFILE',
    command => {
      if (command.has('LOAD')) {
        const name = command.text('LOAD')
        const known = profiles.get(name)
        if (known === undefined) {
          gcode.respondInfo(`skew_correction:  Load failed, unknown profile [${name}]`)
          return
        }
        factors = known
        profile = name
      } else if (command.has('SAVE')) {
        const name = command.text('SAVE')
        profiles.set(name, factors)
        for (const [plane, factor] of Object.entries(factors)) {
          config.set(`skew_correction ${name}`, `${plane}_skew`, factor.toFixed(6))
        }
        gcode.respondInfo(
          `Skew Correction state has been saved to profile [${name}]\nfor the current session.  The SAVE_CONFIG command will\nupdate the printer config file and restart the printer.`,
        )
      } else if (command.has('REMOVE')) {
        const name = command.text('REMOVE')
        if (profiles.delete(name)) config.remove(`skew_correction ${name}`)
        else gcode.respondInfo(`skew_correction: No profile named [${name}] to remove`)
      }
    },
    'Profile management for skew_correction',
  )
  return { status: () => ({ current_profile_name: profile }) }
}

// From the two diagonals and one side of a measured square, by the law of cosines.
function skewOf(ac: number, bd: number, ad: number): number {
  const side = Math.sqrt(2 * ac * ac + 2 * bd * bd - 4 * ad * ad) / 2
  return Math.tan(Math.PI / 2 - Math.acos((ac * ac - side * side - ad * ad) / (2 * side * ad)))
}
