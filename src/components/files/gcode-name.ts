// Which files are G-code, by their names.

/** The same list as Moonraker's. */
const GCODE_EXTENSIONS = ['.gcode', '.g', '.gco', '.ufp', '.nc']

/** Whether the gcodes root lists a file of this name. */
export function isGcodeName(name: string): boolean {
  const lower = name.toLowerCase()
  return GCODE_EXTENSIONS.some(extension => lower.endsWith(extension))
}

/** Whether a file of this name may have metadata: binary G-code has it too, but Klipper cannot print it. */
export function mayHaveMetadata(name: string): boolean {
  return isGcodeName(name) || name.toLowerCase().endsWith('.bgcode')
}
