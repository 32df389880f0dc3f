// TUNING_TOWER: a parameter that changes with the height of the print.

import { messageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Toolhead } from '../motion/toolhead.ts'

interface Tower {
  command: string
  parameter: string
  start: number
  factor: number
  band: number
}

/** Registers the command; the parameter is set when planned motion reaches another height. */
export function tuningTower(host: Host, toolhead: Toolhead): void {
  const { gcode, clock, log } = host
  let tower: Tower | undefined
  let last: string | undefined
  gcode.register(
    'TUNING_TOWER',
    command => {
      tower = {
        command: command.text('COMMAND'),
        parameter: command.text('PARAMETER'),
        start: command.number('START', 0),
        factor: command.number('FACTOR', 0),
        band: command.number('BAND', 0, { min: 0 }),
      }
      last = undefined
      const { start, factor, band } = tower
      gcode.respondInfo(
        `Starting tuning test (start=${start.toFixed(6)} factor=${factor.toFixed(6)} band=${band.toFixed(6)})`,
      )
    },
    'Tool to adjust a parameter at each Z height',
  )
  toolhead.onMove(() => {
    if (tower === undefined) return
    const z = toolhead.position[2]!
    const height = tower.band > 0 ? (Math.floor(z / tower.band) + 0.5) * tower.band : z
    const value = (tower.start + tower.factor * height).toFixed(9)
    if (value === last) return
    last = value
    const script = `${tower.command} ${tower.parameter}=${value}`
    clock.at(clock.now, () => {
      Promise.resolve(gcode.run(script)).catch((error: unknown) => log(`tuning tower: ${messageOf(error)}`))
    })
  })
}
