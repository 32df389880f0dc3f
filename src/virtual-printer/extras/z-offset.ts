// Z_OFFSET_APPLY_…: the offset of the G-code becomes a setting of an endstop or of the probe.

import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'

/** A measured option of printer.cfg. */
type Measured = readonly [section: string, option: string, value: number]

/** Offers the options that `measured` derives from the offset of Z. */
export function applyZOffset(
  host: Host,
  gcodeMove: GcodeMove,
  measured: (offset: number) => readonly Measured[],
): void {
  const offset = (gcodeMove.status().homing_origin as number[])[2]!
  if (offset === 0) host.gcode.respondInfo('Nothing to do: Z Offset is 0')
  else offerConfig(host, measured(offset))
}

/** Shows measured options, and prepares them for SAVE_CONFIG. */
export function offerConfig({ gcode, config }: Host, measured: readonly Measured[]): void {
  const lines = measured.map(([section, option, value]) => `${section}: ${option}: ${value.toFixed(3)}`)
  gcode.respondInfo(
    [
      ...lines,
      'The SAVE_CONFIG command will update the printer config file',
      'with the above and restart the printer.',
    ].join('\n'),
  )
  for (const [section, option, value] of measured) config.set(section, option, value.toFixed(3))
}
