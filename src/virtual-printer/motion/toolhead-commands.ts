// Commands about the toolhead's timing and limits: G4, M400, M204, SET_VELOCITY_LIMIT.

import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Toolhead } from './toolhead.ts'

/** Registers these commands. */
export function toolheadCommands(host: Host, toolhead: Toolhead): void {
  const { gcode } = host
  gcode.register('G4', command => toolhead.dwell(command.number('P', 0, { min: 0 }) / 1000))
  gcode.register('M400', () => toolhead.settle())
  gcode.register('SET_VELOCITY_LIMIT', c => setLimits(host, toolhead, c), 'Set printer velocity limits')
  gcode.register('M204', command => {
    const accel = command.optionalNumber('S', { above: 0 }) ?? slower(command)
    if (accel === undefined) gcode.respondInfo(`Invalid M204 command "${command.line}"`)
    else toolhead.limits.maxAccel = accel
  })
}

// Marlin's separate accelerations for printing and travel: the lower one is safe for both.
function slower(command: GcodeCommand): number | undefined {
  const printing = command.optionalNumber('P', { above: 0 })
  const travel = command.optionalNumber('T', { above: 0 })
  return printing === undefined || travel === undefined ? undefined : Math.min(printing, travel)
}

function setLimits(host: Host, toolhead: Toolhead, command: GcodeCommand): void {
  const { limits } = toolhead
  const velocity = command.optionalNumber('VELOCITY', { above: 0 })
  const accel = command.optionalNumber('ACCEL', { above: 0 })
  const corner = command.optionalNumber('SQUARE_CORNER_VELOCITY', { min: 0 })
  const ratio = command.optionalNumber('MINIMUM_CRUISE_RATIO', { min: 0, below: 1 })
  limits.maxVelocity = velocity ?? limits.maxVelocity
  limits.maxAccel = accel ?? limits.maxAccel
  limits.squareCornerVelocity = corner ?? limits.squareCornerVelocity
  limits.minimumCruiseRatio = ratio ?? limits.minimumCruiseRatio
  if (velocity !== undefined || accel !== undefined || corner !== undefined || ratio !== undefined) return
  host.gcode.respondInfo(
    [
      `max_velocity: ${limits.maxVelocity.toFixed(6)}`,
      `max_accel: ${limits.maxAccel.toFixed(6)}`,
      `minimum_cruise_ratio: ${limits.minimumCruiseRatio.toFixed(6)}`,
      `square_corner_velocity: ${limits.squareCornerVelocity.toFixed(6)}`,
    ].join('\n'),
  )
}
