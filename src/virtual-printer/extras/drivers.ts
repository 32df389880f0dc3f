// Chips that have an object but no effect on a simulation: motor drivers and accelerometers.

import type { Section } from '../config/section.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'

/** `[tmc2209 stepper_x]` and other Trinamic drivers. */
export function motorDriver(host: Host, section: Section, motorsOn: () => boolean): StatusSource {
  let run = section.number('run_current', undefined, { above: 0 })
  let hold = section.number('hold_current', run, { above: 0 })
  const { gcode } = host
  gcode.registerMux(
    'SET_TMC_CURRENT',
    'STEPPER',
    section.title,
    command => {
      run = command.number('CURRENT', run, { min: 0 })
      hold = command.number('HOLDCURRENT', hold, { above: 0 })
      gcode.respondInfo(`Run Current: ${run.toFixed(2)}A Hold Current: ${hold.toFixed(2)}A`)
    },
    'Set the current of a TMC driver',
  )
  gcode.registerMux(
    'DUMP_TMC',
    'STEPPER',
    section.title,
    () =>
      gcode.respondInfo(
        '========== Write-only registers ==========\n========== Queried registers ==========',
      ),
    'Read and display TMC stepper driver registers',
  )
  gcode.registerMux('INIT_TMC', 'STEPPER', section.title, () => {}, 'Initialize TMC stepper driver registers')
  return {
    status: () => ({
      mcu_phase_offset: null,
      phase_offset_position: null,
      drv_status: motorsOn() ? {} : null,
      temperature: null,
      run_current: run,
      hold_current: hold,
    }),
  }
}

/** QUERY_ADC: without a board, the only analog pins are those of the sensors. */
export function queryAdc(host: Host, pins: () => string[]): void {
  const { gcode } = host
  gcode.register(
    'QUERY_ADC',
    command => {
      const name = command.text('NAME', '')
      const known = pins()
      if (known.includes(name)) {
        gcode.respondInfo(`ADC object "${name}" has value 0.900000 (timestamp ${host.clock.now.toFixed(3)})`)
        return
      }
      const list = known.map(pin => `"${pin}"`).join(', ')
      gcode.respondInfo(`Available ADC objects: ${list}`)
    },
    'Report the last value of an analog pin',
  )
}
