// G2 and G3: arcs as sequences of short straight moves.

import { ARC_PLANES, type ArcPlane, arcPoints } from '../../motion/arcs.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from './gcode-move.ts'

/** Registers G2, G3 and the choice of the plane. */
export function arcCommands(host: Host, gcodeMove: GcodeMove): void {
  const { gcode, config } = host
  const resolution = config.section('gcode_arcs').number('resolution', 1, { above: 0 })
  let plane: ArcPlane = ARC_PLANES.G17
  for (const [name, chosen] of Object.entries(ARC_PLANES)) {
    gcode.register(name, () => {
      plane = chosen
    })
  }
  gcode.register('G2', command => arc(gcodeMove, command, { plane, resolution, clockwise: true }))
  gcode.register('G3', command => arc(gcodeMove, command, { plane, resolution, clockwise: false }))
}

async function arc(
  gcodeMove: GcodeMove,
  command: GcodeCommand,
  shape: { readonly plane: ArcPlane; readonly resolution: number; readonly clockwise: boolean },
): Promise<void> {
  const { coordinates } = gcodeMove
  if (!coordinates.absolute) throw new UnsupportedError('G2/G3 does not support relative move mode')
  if (command.has('R')) throw new UnsupportedError('G2/G3 does not support R moves')
  const start = coordinates.position
  const end = ['X', 'Y', 'Z'].map((name, axis) => command.number(name, start[axis]))
  const offset = shape.plane.offsets.map(name => command.number(name, 0)) as [number, number]
  if (offset[0] === 0 && offset[1] === 0) throw new GcodeError('G2/G3 requires IJ, IK or JK parameters')
  const feed = command.optionalNumber('F')
  if (feed !== undefined && feed <= 0) throw new UnsupportedError(`Invalid speed in '${command.line}'`)
  const filament = coordinates.filamentOf(command.optionalNumber('E'))
  const words = new Float64Array(5).fill(Number.NaN)
  if (feed !== undefined) words[4] = feed
  for (const { position, share, pieces } of arcPoints({ start, end, offset, ...shape })) {
    words.set(position)
    if (filament !== undefined) words[3] = filament(share, 1 / pieces)
    await gcodeMove.moveBy(words)
  }
}
