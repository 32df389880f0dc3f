// M104, M109, M140, M190 and PID_CALIBRATE.

import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Extruder } from '../motion/extruder.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Heater, Heaters } from './heaters.ts'

/** Registers the bed's commands. */
export function bedCommands(host: Host, heaters: Heaters, bed: Heater): void {
  host.gcode.register('M140', command => heaters.heat(bed, command.number('S', 0), false))
  host.gcode.register('M190', command => heaters.heat(bed, command.number('S', 0), true))
}

/** Registers the hot ends' commands. */
export function hotendCommands(
  host: Host,
  heaters: Heaters,
  extruders: ReadonlyMap<string, Extruder>,
  toolhead: Toolhead,
): void {
  const chosen = (command: GcodeCommand): Heater | undefined => {
    const index = command.has('T') ? command.integer('T', undefined, { min: 0 }) : undefined
    const name =
      index === undefined ? (toolhead.extruder?.name ?? '') : index === 0 ? 'extruder' : `extruder${index}`
    const heater = extruders.get(name)?.heater
    // As in Klipper, switching off a missing tool is not an error.
    if (heater === undefined && command.number('S', 0) > 0)
      throw new UnsupportedError('Extruder not configured')
    return heater
  }
  const heat = (wait: boolean) => (command: GcodeCommand) => {
    const heater = chosen(command)
    return heater === undefined ? undefined : heaters.heat(heater, command.number('S', 0), wait)
  }
  host.gcode.register('M104', heat(false))
  host.gcode.register('M109', heat(true))
}

/** Registers PID_CALIBRATE: heats through five cycles around the target and stores values for SAVE_CONFIG. */
export function pidCalibrate(host: Host, heaters: Heaters): void {
  const { gcode, config } = host
  const calibrate = async (command: GcodeCommand) => {
    const name = command.text('HEATER')
    const heater = heaters.heater(name)
    const target = command.number('TARGET')
    for (let cycle = 0; cycle < 5; cycle++) {
      heater.setTarget(target)
      await heaters.waitWhile(() => heater.temperature < target - 1)
      heater.setTarget(0)
      await heaters.waitWhile(() => heater.temperature > target - 5)
    }
    if (!host.lifecycle.ready) throw new GcodeError('pid_calibrate interrupted')
    const [kp, ki, kd] = name === 'heater_bed' ? [54.027, 0.77, 948.182] : [21.527, 1.063, 108.982]
    gcode.respondInfo(
      `PID parameters: pid_Kp=${kp!.toFixed(3)} pid_Ki=${ki!.toFixed(3)} pid_Kd=${kd!.toFixed(3)}\nThe SAVE_CONFIG command will update the printer config file\nwith these parameters and restart the printer.`,
    )
    const section = config.names.find(known => known === name || known.endsWith(` ${name}`)) ?? name
    const values = { control: 'pid', pid_kp: kp!.toFixed(3), pid_ki: ki!.toFixed(3), pid_kd: kd!.toFixed(3) }
    for (const [option, value] of Object.entries(values)) config.set(section, option, value)
  }
  gcode.register('PID_CALIBRATE', calibrate, 'Run PID calibration test')
}
