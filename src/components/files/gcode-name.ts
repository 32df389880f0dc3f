// Which files are G-code, by their names.

/** Those of Moonraker, and binary G-code, which the server converts before a print. */
const GCODE_EXTENSIONS = ['.gcode', '.g', '.gco', '.ufp', '.nc', '.bgcode']

/** Whether a file of this name is G-code: the gcodes root lists it, and it has metadata. */
export function isGcodeName(name: string): boolean {
  const lower = name.toLowerCase()
  return GCODE_EXTENSIONS.some(extension => lower.endsWith(extension))
}
