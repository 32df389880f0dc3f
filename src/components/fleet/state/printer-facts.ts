// What the state of a printer contains about its machine: heaters, nozzle, size. Read once for each start of Klippy.
import type { Core } from '../../../component/component.ts'
import type { PrinterState } from '../../../fleet/contract/index.ts'
import { isPlainObject } from '../../../schema/index.ts'

/** Heaters in a state. */
const MAX_HEATERS = 16

/** What is known of the machine. */
export interface Machine {
  readonly heaters: readonly string[]
  readonly nozzle: number | null
  readonly size: PrinterState['size']
}

export const NO_MACHINE: Machine = { heaters: [], nozzle: null, size: null }

/** Queries Klippy, which must be ready. Rejects with ApiError. */
export async function readMachine({ printer }: Core): Promise<Machine> {
  const { status } = await printer.query({
    heaters: ['available_heaters'],
    toolhead: ['axis_minimum', 'axis_maximum'],
    configfile: ['settings'],
  })
  const names = status.heaters?.available_heaters
  const heaters = Array.isArray(names) ? names.filter(name => typeof name === 'string') : []
  const { settings } = status.configfile ?? {}
  const extruder = isPlainObject(settings) ? settings.extruder : undefined
  const nozzle = isPlainObject(extruder) ? extruder.nozzle_diameter : undefined
  return {
    heaters: heaters.slice(0, MAX_HEATERS),
    nozzle: typeof nozzle === 'number' ? nozzle : null,
    size: sizeOf(status.toolhead?.axis_minimum, status.toolhead?.axis_maximum),
  }
}

function sizeOf(least: unknown, most: unknown): PrinterState['size'] {
  if (!Array.isArray(least) || !Array.isArray(most)) return null
  const lengths = [0, 1, 2].map(axis => Math.round((Number(most[axis]) - Number(least[axis])) * 10) / 10)
  return lengths.every(Number.isFinite) ? (lengths as [number, number, number]) : null
}
