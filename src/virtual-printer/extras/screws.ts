// BED_SCREWS_ADJUST: moves from screw to screw of the bed until all are accepted.

import type { Section } from '../config/section.ts'
import { GcodeError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { StatusSource } from '../objects.ts'

interface Screw {
  name: string
  x: number
  y: number
}

/** Creates the `bed_screws` object and its command. */
export function bedScrews(
  host: Host,
  section: Section,
  toolhead: Toolhead,
  gcodeMove: GcodeMove,
): StatusSource {
  const { gcode } = host
  const screws = readScrews(section)
  const speed = section.number('speed', 50, { above: 0 })
  const probeSpeed = section.number('probe_speed', 5, { above: 0 })
  const travelHeight = section.number('horizontal_move_z', 5)
  const probeHeight = section.number('probe_height', 0)
  let current = 0
  let accepted = 0
  let active = false
  const to = async (target: { x?: number; y?: number; z: number }, velocity: number) => {
    const position = toolhead.position
    position[0] = target.x ?? position[0]!
    position[1] = target.y ?? position[1]!
    position[2] = target.z
    await toolhead.move(position, velocity)
    gcodeMove.adopt()
  }
  const visit = async (index: number) => {
    current = index
    const { name, x, y } = screws[index]!
    await to({ z: travelHeight }, probeSpeed)
    await to({ x, y, z: travelHeight }, speed)
    await to({ z: probeHeight }, probeSpeed)
    gcode.respondInfo(
      `Adjust ${name}. Then run ACCEPT, ADJUSTED, or ABORT\nUse ADJUSTED if a significant screw adjustment is made`,
    )
  }
  const end = () => {
    active = false
    for (const name of ['ACCEPT', 'ADJUSTED', 'ABORT']) gcode.unregister(name)
  }
  const accept = async (wasAdjusted: boolean) => {
    accepted = wasAdjusted ? 1 : accepted + 1
    if (accepted >= screws.length) {
      end()
      await to({ z: travelHeight }, probeSpeed)
      gcode.respondInfo('Bed screws tool completed successfully')
    } else await visit((current + 1) % screws.length)
  }
  gcode.register(
    'BED_SCREWS_ADJUST',
    async () => {
      if (active) throw new GcodeError('Already in bed_screws helper; use ABORT to exit')
      active = true
      accepted = 0
      gcode.register('ACCEPT', () => accept(false), 'Accept bed screw position')
      gcode.register('ADJUSTED', () => accept(true), 'Accept bed screw position after notable adjustment')
      gcode.register('ABORT', end, 'Abort bed screws tool')
      await visit(0)
    },
    'Tool to help adjust bed leveling screws',
  )
  return {
    status: () => ({
      is_active: active,
      state: active ? 'adjust' : null,
      current_screw: current,
      accepted_screws: accepted,
    }),
  }
}

function readScrews(section: Section): Screw[] {
  const screws: Screw[] = []
  for (let number = 1; section.has(`screw${number}`); number++) {
    const [x, y] = section.numbers(`screw${number}`, undefined, 2) as [number, number]
    const name = section.text(`screw${number}_name`, `screw at ${x.toFixed(3)},${y.toFixed(3)}`)
    screws.push({ name, x, y })
  }
  return screws
}
