// The status that the panel polls (M408), made from Klipper's.
import type { KlippyState } from '../../klippy/klippy-info.ts'
import { type PrinterView, toolOf } from './printer-view.ts'

/** Seconds; a shorter estimate of the slicer is not used. */
const MIN_ESTIMATE = 10

/** Klipper's status in the fields of the panel. */
export type PanelStatus = Readonly<Record<string, unknown>>

/** The letter of a state: O not ready, S shut down, I idle, P printing, R resuming, D pausing, A paused. */
export type StateLetter = 'O' | 'S' | 'I' | 'P' | 'R' | 'D' | 'A'

/** The state now; `last` is what the panel received before. */
export function stateLetter(klippy: KlippyState, view: PrinterView, last: StateLetter): StateLetter {
  if (klippy === 'shutdown') return 'S'
  if (klippy !== 'ready' || !view.isKnown) return 'O'
  const print = view.text('print_stats', 'state')
  if (print === 'printing') return last === 'A' ? 'R' : 'P'
  if (print !== 'paused') return 'I'
  const moves = view.text('idle_timeout', 'state') === 'Printing'
  return moves && last !== 'A' ? 'D' : 'A'
}

/** All fields of a printer that is ready or shut down. */
export function panelStatus(view: PrinterView): PanelStatus {
  const live = view.has('motion_report')
    ? view.position('motion_report', 'live_position')
    : view.position('gcode_move', 'gcode_position')
  const homed = view.text('toolhead', 'homed_axes')
  const percent = (factor: number) => rounded(factor * 100, 2)
  const times = timesLeft(view)
  return {
    babystep: rounded(view.position('gcode_move', 'homing_origin')[2], 3),
    pos: live.slice(0, 3).map(axis => rounded(axis, 3)),
    homed: ['x', 'y', 'z'].map(axis => Number(homed.includes(axis))),
    sfactor: percent(view.number('gcode_move', 'speed_factor')),
    efactor: view.extruders.map(() => percent(view.number('gcode_move', 'extrude_factor'))),
    extr: [rounded(live[3], 1)],
    fraction_printed: rounded(view.number('virtual_sdcard', 'progress'), 3),
    ...(times.length > 0 && { timesLeft: times }),
    fanPercent: [rounded(view.number('fan', 'speed') * 100, 1)],
    tool: toolOf(view.text('toolhead', 'extruder')),
    ...heaterFields(view),
  }
}

/** The bed is first, also for a printer without a bed: the panel takes heater 0 for it. */
function heaterFields(view: PrinterView): PanelStatus {
  const names = ['heater_bed', ...view.extruders]
  const active = view.text('toolhead', 'extruder')
  const targets = names.map(name => rounded(view.number(name, 'target'), 1))
  return {
    heaters: names.map(name => rounded(view.number(name, 'temperature'), 1)),
    active: targets,
    standby: targets,
    hstat: names.map((name, index) => {
      if (targets[index] === 0) return 0
      return name === 'heater_bed' || name === active ? 2 : 1
    }),
  }
}

/** Seconds by the position in the file, by filament and by layers, as far as they are known; none without a print. */
function timesLeft(view: PrinterView): number[] {
  const progress = view.number('virtual_sdcard', 'progress')
  if (view.text('print_stats', 'state') !== 'printing') return []
  const { estimated_time: estimate, filament_total, object_height } = view.metadata
  if (typeof estimate !== 'number' || estimate <= MIN_ESTIMATE) {
    const duration = view.number('print_stats', 'print_duration')
    return progress > 0 ? [Math.floor(duration / progress - duration)] : []
  }
  const shares = [
    progress,
    share(view.number('print_stats', 'filament_used'), filament_total),
    share(view.position('gcode_move', 'gcode_position')[2], object_height),
  ]
  return shares.filter(done => done !== null).map(done => Math.floor(estimate * (1 - done)))
}

function share(done: number, total: unknown): number | null {
  return typeof total === 'number' && total > 0 ? Math.min(1, Math.max(0, done / total)) : null
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits
  return Math.round(value * factor) / factor
}
