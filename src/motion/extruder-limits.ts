// How the extruder limits moves: the slowest of its own limits and the thickest line that it may print.
import type { Move } from './move.ts'

/** Limits of one extruder, in mm and seconds, as in its section of printer.cfg. */
export interface ExtruderLimits {
  readonly maxOnlyVelocity: number
  readonly maxOnlyAccel: number
  readonly maxOnlyDistance: number
  /** Largest step of the filament's speed at a corner. */
  readonly cornerVelocity: number
  /** Filament per mm of path, at most. */
  readonly maxRatio: number
  readonly nozzle: number
  /** Cross section of the filament in mm². */
  readonly area: number
}

/** What printer.cfg states; absent values have Klipper's defaults. */
export interface ExtruderValues {
  readonly nozzle: number
  readonly filament: number
  readonly crossSection?: number | undefined
  readonly onlyVelocity?: number | undefined
  readonly onlyAccel?: number | undefined
  readonly onlyDistance?: number | undefined
  readonly cornerVelocity?: number | undefined
}

/** The limits of an extruder on a machine with `maxVelocity` and `maxAccel`. */
export function extruderLimits(
  { nozzle, filament, crossSection, onlyVelocity, onlyAccel, onlyDistance, cornerVelocity }: ExtruderValues,
  { maxVelocity, maxAccel }: { readonly maxVelocity: number; readonly maxAccel: number },
): ExtruderLimits {
  const area = Math.PI * (filament / 2) ** 2
  const usual = 4 * nozzle ** 2
  return {
    nozzle,
    area,
    maxRatio: (crossSection ?? usual) / area,
    // The limits of extruder-only moves are those of a line of the default cross section.
    maxOnlyVelocity: onlyVelocity ?? maxVelocity * (usual / area),
    maxOnlyAccel: onlyAccel ?? maxAccel * (usual / area),
    maxOnlyDistance: onlyDistance ?? 50,
    cornerVelocity: cornerVelocity ?? 1,
  }
}

/**
 * Limits a move with filament. Returns what Klipper rejects the move for, or undefined: `thick` is a line beyond
 * max_extrude_cross_section, `long` a move of the extruder alone beyond max_extrude_only_distance.
 */
export function limitExtrusion(move: Move, limits: ExtruderLimits): 'thick' | 'long' | undefined {
  if (move.de < 0 || (move.dx === 0 && move.dy === 0)) {
    if (Math.abs(move.de) > limits.maxOnlyDistance) return 'long'
    const scale = move.length / Math.abs(move.de)
    move.limit(limits.maxOnlyVelocity * scale, limits.maxOnlyAccel * scale)
    return undefined
  }
  const { nozzle, maxRatio } = limits
  // Klipper allows any ratio for less filament than a nozzle's width of the thickest line takes.
  return move.de / move.length > maxRatio && move.de > nozzle * maxRatio ? 'thick' : undefined
}
