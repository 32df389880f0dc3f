// What an analysis leaves behind: a summary in the metadata for clients, and details next to it.
import { isPlainObject } from '../../schema/index.ts'
import type { Machine } from './estimator/machine.ts'

/** The name of the file processor, under which its details are kept. */
export const PROCESSOR = 'print_analysis'

/** The machine that an analysis is for. */
export type MachineFacts = {
  /** Changes with everything that the analysis depends on. */
  readonly id: string
  /** Whether it is that of Klipper's configuration, or a usual one since Klipper was never connected. */
  readonly source: 'klipper' | 'default'
  readonly kinematics: string
  /** mm/s, mm/s² */
  readonly max_velocity: number
  readonly max_accel: number
}

/** The field `analysis` of the metadata. */
export type AnalysisSummary = {
  /** Seconds of all moves and pauses; without heating, homing, and what macros do. */
  readonly print_time: number
  readonly layer_count: number
  readonly machine: MachineFacts
  /** False if Klipper would stop the print, or the print would be spoiled. */
  readonly fits: boolean
  /** What of the file does not fit the machine, the gravest first. */
  readonly warnings: readonly string[]
}

/** Kept next to the metadata. Times in s, lengths in mm. */
export type AnalysisDetails = {
  readonly machine_id: string
  readonly totals: Readonly<Record<string, number>>
  /** Seconds by the names that the slicer gives features; travel and retraction apart. */
  readonly features: Readonly<Record<string, number>>
  /** Height and seconds of each layer; the first is what comes before the first layer. */
  readonly layers: readonly (readonly [z: number, seconds: number])[]
  /** Packed by `packTable`: file position to seconds since the start. */
  readonly points: readonly number[]
  /** The same, to the seconds that remain as the slicer states it (M73); empty where it states nothing. */
  readonly slicer: readonly number[]
  /** Whether the file sets a speed factor (M220) other than 100 %. */
  readonly sets_speed: boolean
}

/** The input of the processor. */
export type AnalysisOptions = {
  readonly machine: Machine
  readonly facts: MachineFacts
  /** The commands that Klipper knows, in capitals; null where that is not known. */
  readonly commands: readonly string[] | null
}

/** The details of a stored value; undefined for anything else, such as a record of a newer server. */
export function readDetails(stored: unknown): AnalysisDetails | undefined {
  if (!isPlainObject(stored)) return undefined
  const details = stored as Partial<AnalysisDetails>
  const { machine_id, totals, features, layers, points, slicer, sets_speed } = details
  const isComplete =
    typeof machine_id === 'string' &&
    isPlainObject(totals) &&
    isPlainObject(features) &&
    Array.isArray(layers) &&
    Array.isArray(points) &&
    Array.isArray(slicer) &&
    typeof sets_speed === 'boolean'
  return isComplete ? (details as AnalysisDetails) : undefined
}

/** Hundredths of a second. */
const UNIT = 0.01

/** Packs rows of whole bytes and seconds: the differences from row to row, one after the other. */
export function packTable(rows: readonly (readonly [offset: number, seconds: number])[]): number[] {
  let [lastOffset, lastTime] = [0, 0]
  return rows.flatMap(([offset, seconds]) => {
    const time = Math.round(seconds / UNIT)
    const difference = [offset - lastOffset, time - lastTime]
    ;[lastOffset, lastTime] = [offset, time]
    return difference
  })
}

/** The rows of a packed table. Values that are no numbers end it. */
export function unpackTable(packed: readonly unknown[]): [offset: number, seconds: number][] {
  const rows: [number, number][] = []
  let [offset, time] = [0, 0]
  for (let at = 0; at + 1 < packed.length; at += 2) {
    offset += Number(packed[at])
    time += Number(packed[at + 1])
    if (!Number.isFinite(offset + time)) break
    rows.push([offset, time * UNIT])
  }
  return rows
}
