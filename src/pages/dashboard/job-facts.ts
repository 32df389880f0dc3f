// The times and layers of the print, from the best source that has them.
import { numberOf } from '../shared/format.ts'
import { type Model, textOf } from './model.ts'

/** How far the print is, 0 to 1, and the seconds that remain; null if unknown. */
export interface PrintTimes {
  readonly progress: number | null
  readonly left: number | null
}

/**
 * The server's progress by time, if it is that of the printed file; else the part of the file that is done, and the time
 * left by it.
 */
export function timesOf({ status, progress }: Model): PrintTimes {
  const stats = status.print_stats ?? {}
  if (stats.state === 'complete') return { progress: 1, left: 0 }
  if (progress !== null && progress.progress !== null && progress.filename === textOf(stats.filename)) {
    return { progress: progress.progress, left: progress.time_left }
  }
  const part = numberOf(status.virtual_sdcard?.progress)
  const elapsed = numberOf(stats.print_duration)
  const left = part === null || elapsed === null || part < 0.01 ? null : elapsed / part - elapsed
  return { progress: part, left }
}

/** The layer of the print; null if unknown. */
export interface PrintLayers {
  readonly layer: number | null
  readonly layers: number | null
}

/** The layers that the slicer states by SET_PRINT_STATS_INFO; else those by the height of the nozzle. */
export function layersOf({ status, metadata }: Model): PrintLayers {
  const { current_layer, total_layer } = (status.print_stats?.info ?? {}) as Readonly<Record<string, unknown>>
  const analysis = (metadata?.analysis ?? {}) as Readonly<Record<string, unknown>>
  const layers =
    numberOf(total_layer) ?? numberOf(metadata?.layer_count) ?? numberOf(analysis.layer_count) ?? null
  const stated = numberOf(current_layer)
  if (stated !== null) return { layer: stated, layers }
  const position = status.gcode_move?.gcode_position
  const z = Array.isArray(position) ? numberOf(position[2]) : null
  const height = numberOf(metadata?.layer_height)
  const first = numberOf(metadata?.first_layer_height) ?? height
  const started = (numberOf(status.print_stats?.print_duration) ?? 0) > 0
  if (!started || z === null || height === null || height <= 0 || first === null || layers === null) {
    return { layer: null, layers }
  }
  const layer = Math.ceil((z - first) / height + 1 - 1e-6)
  return { layer: Math.min(layers, Math.max(1, layer)), layers }
}
