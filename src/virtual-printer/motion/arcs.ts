// G2 and G3: arcs as sequences of short straight moves.

import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from './gcode-move.ts'

interface Plane {
  /** Indices of the two axes of the circle and of the axis across. */
  readonly axes: readonly [first: number, second: number, across: number]
  /** Letters of the centre's offsets. */
  readonly offsets: readonly [string, string]
}

const PLANES: Readonly<Record<string, Plane>> = {
  G17: { axes: [0, 1, 2], offsets: ['I', 'J'] },
  G18: { axes: [0, 2, 1], offsets: ['I', 'K'] },
  G19: { axes: [1, 2, 0], offsets: ['J', 'K'] },
}

/** Registers G2, G3 and the choice of the plane. */
export function arcCommands(host: Host, gcodeMove: GcodeMove): void {
  const { gcode, config } = host
  const resolution = config.section('gcode_arcs').number('resolution', 1, { above: 0 })
  let plane = PLANES.G17!
  for (const [name, chosen] of Object.entries(PLANES)) {
    gcode.register(name, () => {
      plane = chosen
    })
  }
  gcode.register('G2', command => arc(gcodeMove, command, plane, resolution, true))
  gcode.register('G3', command => arc(gcodeMove, command, plane, resolution, false))
}

async function arc(
  gcodeMove: GcodeMove,
  command: GcodeCommand,
  plane: Plane,
  resolution: number,
  clockwise: boolean,
): Promise<void> {
  if (!gcodeMove.absolute) throw new UnsupportedError('G2/G3 does not support relative move mode')
  if (command.has('R')) throw new UnsupportedError('G2/G3 does not support R moves')
  const start = gcodeMove.gcodePosition
  const end = ['X', 'Y', 'Z'].map((name, axis) => command.number(name, start[axis]))
  const [a, b, across] = plane.axes
  const [i, j] = plane.offsets.map(name => command.number(name, 0)) as [number, number]
  if (i === 0 && j === 0) throw new GcodeError('G2/G3 requires IJ, IK or JK parameters')
  const centre = [start[a]! + i, start[b]! + j] as const
  const radius = Math.hypot(i, j)
  const from = Math.atan2(-j, -i)
  const to = Math.atan2(end[b]! - centre[1], end[a]! - centre[0])
  let sweep = to - from
  if (clockwise ? sweep >= -1e-9 : sweep <= 1e-9) sweep += clockwise ? -2 * Math.PI : 2 * Math.PI
  const length = Math.hypot(radius * sweep, end[across]! - start[across]!)
  const count = Math.max(1, Math.floor(length / resolution))
  const filament = gcodeMove.filamentOf(command.optionalNumber('E'))
  const feed = command.optionalNumber('F')
  for (let step = 1; step <= count; step++) {
    const share = step / count
    const point = [0, 0, 0]
    point[a] = step === count ? end[a]! : centre[0] + radius * Math.cos(from + sweep * share)
    point[b] = step === count ? end[b]! : centre[1] + radius * Math.sin(from + sweep * share)
    point[across] = start[across]! + (end[across]! - start[across]!) * share
    const words = point.map((value, axis) => `${'XYZ'[axis]}${value.toFixed(6)}`)
    if (filament !== undefined) words.push(`E${filament(share, 1 / count).toFixed(6)}`)
    if (feed !== undefined) words.push(`F${feed}`)
    await gcodeMove.move(`G1 ${words.join(' ')}`)
  }
}
