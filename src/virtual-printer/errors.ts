// The errors of Klipper: of a G-code command, of a configuration, of an API request.

/** A G-code command failed; the message goes to consoles as `!! message` and to the API caller as is. */
export class GcodeError extends Error {
  override readonly name: string = 'GcodeError'
}

/**
 * A G-code command uses something that this machine lacks (a heater, a tool, a macro, a saved state) or that only
 * other firmwares support (inches, arcs by their radius, a parameter without a value).
 * With `[virtual_printer] skip_unsupported` it is only a console message for the commands of a print file.
 */
export class UnsupportedError extends GcodeError {
  override readonly name: string = 'UnsupportedError'
}

/** printer.cfg is unusable; the message becomes Klippy's state message. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
}

/** An API request was rejected; the message goes to the caller. */
export class WebRequestError extends Error {
  override readonly name: string = 'WebRequestError'
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
