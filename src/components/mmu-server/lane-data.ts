// The namespace `lane_data`, from which slicers read what is loaded in each gate.
import { isPlainObject } from '../../schema/index.ts'
import type { Namespaces } from '../../storage/index.ts'
import type { MmuState } from './mmu.ts'
import type { Spool } from './spools.ts'

const NAMESPACE = 'lane_data'
/** Happy Hare's numbers for a gate that is unknown, and for one without filament. */
const EMPTY = [-1, 0]
/** The temperature where Happy Hare knows none, °C. */
const DEFAULT_TEMPERATURE = 200

/** A gate and the id of its spool; -1 for none. */
export type GateSpool = readonly [gate: number, spool: number]

/** Stores what is in the given gates. */
export async function pushLanes(
  namespaces: Namespaces,
  gates: readonly GateSpool[],
  mmu: MmuState,
  spools: ReadonlyMap<number, Spool>,
): Promise<void> {
  const lanes = gates
    .filter(([gate]) => gate >= 0)
    .map(([gate, spool]) => [`lane${gate}`, laneOf(gate, spool, mmu, spools.get(spool))] as const)
  if (lanes.length > 0) await namespaces.postAll(NAMESPACE, new Map(lanes))
}

/** Removes what is stored about gates that the MMU does not have. */
export async function removeLanes(namespaces: Namespaces, gates: number): Promise<void> {
  const keys = [...namespaces.entries(NAMESPACE)].flatMap(([key, value]) => {
    const lane = isPlainObject(value) ? value.lane : undefined
    const isNumber = typeof lane === 'number' || (typeof lane === 'string' && /^\d+$/.test(lane))
    return isNumber && Number(lane) >= gates ? [key] : []
  })
  await namespaces.deleteAll(NAMESPACE, keys)
}

function laneOf(gate: number, spoolId: number, mmu: MmuState, spool: Spool | undefined) {
  const { filament } = spool ?? {}
  const isEmpty = spoolId === -1 || EMPTY.includes(Number(mmu.gate_status[gate] ?? -1))
  const known = isEmpty
    ? {}
    : {
        vendor_name: filament?.vendor || null,
        name: mmu.gate_filament_name[gate] || filament?.name || null,
        color: mmu.gate_color[gate] ?? null,
        material: mmu.gate_material[gate] ?? null,
        bed_temp: filament?.bed_temp || null,
        nozzle_temp: gate in mmu.gate_temperature ? mmu.gate_temperature[gate] : DEFAULT_TEMPERATURE,
        spool_id: spoolId > 0 ? spoolId : null,
        filament_id: filament?.filament_id || null,
      }
  return {
    vendor_name: null,
    name: null,
    color: null,
    td: null,
    material: null,
    bed_temp: null,
    nozzle_temp: null,
    scan_time: null,
    // OrcaSlicer reads it as a text.
    lane: String(gate),
    spool_id: null,
    filament_id: null,
    ...known,
  }
}
