// Firmware retraction: G10, G11 and their settings.

import { FirmwareRetraction } from '../../motion/retraction.ts'
import type { Section } from '../config/section.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { StatusSource } from '../objects.ts'

/** Creates the `firmware_retraction` object and its commands. */
export function firmwareRetraction(host: Host, section: Section, gcodeMove: GcodeMove): StatusSource {
  const { gcode } = host
  const retraction = new FirmwareRetraction({
    length: section.number('retract_length', 0, { min: 0 }),
    speed: section.number('retract_speed', 20, { min: 1 }),
    extra: section.number('unretract_extra_length', 0, { min: 0 }),
    backSpeed: section.number('unretract_speed', 10, { min: 1 }),
  })
  gcode.register(
    'SET_RETRACTION',
    command => {
      const { length, speed, extra, backSpeed } = retraction.settings
      retraction.change({
        length: command.number('RETRACT_LENGTH', length, { min: 0 }),
        speed: command.number('RETRACT_SPEED', speed, { min: 1 }),
        extra: command.number('UNRETRACT_EXTRA_LENGTH', extra, { min: 0 }),
        backSpeed: command.number('UNRETRACT_SPEED', backSpeed, { min: 1 }),
      })
    },
    'Set firmware retraction parameters',
  )
  gcode.register(
    'GET_RETRACTION',
    () => {
      const { length, speed, extra, backSpeed } = retraction.settings
      gcode.respondInfo(
        `RETRACT_LENGTH=${length.toFixed(5)} RETRACT_SPEED=${speed.toFixed(5)} UNRETRACT_EXTRA_LENGTH=${extra.toFixed(5)} UNRETRACT_SPEED=${backSpeed.toFixed(5)}`,
      )
    },
    'Report firmware retraction parameters',
  )
  gcode.register('G10', () => retraction.retract(move => gcodeMove.feed(move)))
  gcode.register('G11', () => retraction.unretract(move => gcodeMove.feed(move)))
  return {
    status: () => {
      const { length, speed, extra, backSpeed } = retraction.settings
      return {
        retract_length: length,
        retract_speed: speed,
        unretract_extra_length: extra,
        unretract_speed: backSpeed,
      }
    },
  }
}
