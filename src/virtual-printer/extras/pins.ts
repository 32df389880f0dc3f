// Output pins and LEDs.

import type { Section } from '../config/section.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'

/** `[output_pin NAME]` or `[pwm_tool NAME]`: SET_PIN. */
export function outputPin(host: Host, section: Section): StatusSource {
  const isPwm = section.name.startsWith('pwm_tool') || section.boolean('pwm', false)
  section.text('pin')
  if (isPwm) {
    section.number('cycle_time', 0.1, { above: 0 })
    section.boolean('hardware_pwm', false)
  }
  const scale = isPwm ? section.number('scale', 1, { above: 0 }) : 1
  section.number('shutdown_value', 0, { min: 0, max: scale })
  let value = section.number('value', 0, { min: 0, max: scale }) / scale
  host.gcode.registerMux(
    'SET_PIN',
    'PIN',
    section.title,
    command => {
      if (!command.has('VALUE')) throw new GcodeError('SET_PIN command must specify VALUE or TEMPLATE')
      const wanted = command.number('VALUE', undefined, { min: 0, max: scale }) / scale
      if (!isPwm && wanted !== 0 && wanted !== 1) throw new GcodeError('Invalid pin value')
      value = wanted
    },
    'Set the value of an output pin',
  )
  return { status: () => ({ value }) }
}

type Color = [red: number, green: number, blue: number, white: number]

/** `[led NAME]`, `[neopixel NAME]` and similar sections: SET_LED. */
export function led(host: Host, section: Section): StatusSource {
  section.number('cycle_time', 0.01, { above: 0 })
  section.boolean('hardware_pwm', false)
  const count = section.has('chain_count') ? section.integer('chain_count', 1, { min: 1 }) : 1
  const initial = ['red', 'green', 'blue', 'white'].map(part =>
    section.number(`initial_${part}`, 0, { min: 0, max: 1 }),
  ) as Color
  let colors: Color[] = Array.from({ length: count }, () => initial)
  const set = (command: GcodeCommand) => {
    const part = (name: string) => command.number(name, 0, { min: 0, max: 1 })
    const color: Color = [part('RED'), part('GREEN'), part('BLUE'), part('WHITE')]
    const index = command.has('INDEX')
      ? command.integer('INDEX', undefined, { min: 1, max: count }) - 1
      : undefined
    colors = colors.map((old, at) => (index === undefined || index === at ? color : old))
  }
  host.gcode.registerMux('SET_LED', 'LED', section.title, set, 'Set the color of an LED')
  host.gcode.registerMux(
    'SET_LED_TEMPLATE',
    'LED',
    section.title,
    command => {
      const name = command.text('TEMPLATE')
      if (name !== '' && !host.config.has(`display_template ${name}`)) {
        throw new UnsupportedError(`Unknown display_template '${name}'`)
      }
    },
    'Assign a display_template to an LED',
  )
  return { status: () => ({ color_data: colors }) }
}
