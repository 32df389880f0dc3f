// Objects with little behaviour: buttons, servos, extruder steppers.

import type { Section } from '../config/section.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'

/** `[gcode_button NAME]`: never pressed. */
export function gcodeButton(host: Host, section: Section): StatusSource {
  const { gcode } = host
  section.text('pin')
  gcode.registerMux(
    'QUERY_BUTTON',
    'BUTTON',
    section.title,
    () => gcode.respondInfo(`${section.title}: RELEASED`),
    'Report on the state of a button',
  )
  return { status: () => ({ state: 'RELEASED' }) }
}

/** `[servo NAME]`: SET_SERVO. */
export function servo(host: Host, section: Section): StatusSource {
  const shortest = section.number('minimum_pulse_width', 0.001, { above: 0 })
  const longest = section.number('maximum_pulse_width', 0.002, { above: shortest })
  const range = section.number('maximum_servo_angle', 180)
  const frequency = 50
  const dutyOf = (width: number) =>
    width === 0 ? 0 : Math.min(longest, Math.max(shortest, width)) * frequency
  const widthAt = (angle: number) => shortest + ((longest - shortest) * angle) / range
  const initial = section.optionalNumber('initial_angle', { min: 0, max: 360 })
  let value = initial === undefined ? 0 : dutyOf(widthAt(initial))
  host.gcode.registerMux(
    'SET_SERVO',
    'SERVO',
    section.title,
    command => {
      const width = command.optionalNumber('WIDTH')
      value = dutyOf(width ?? widthAt(command.number('ANGLE')))
    },
    'Set servo angle',
  )
  return { status: () => ({ value }) }
}

/** `[extruder_stepper NAME]`: a motor that follows an extruder. */
export function extruderStepper(section: Section): StatusSource {
  const status = {
    pressure_advance: section.number('pressure_advance', 0, { min: 0 }),
    smooth_time: section.number('pressure_advance_smooth_time', 0.04, { above: 0, max: 0.2 }),
    motion_queue: section.text('extruder', 'extruder'),
  }
  return { status: () => status }
}
