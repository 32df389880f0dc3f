// The two ways in which Klipper says no: to a G-code command and to a configuration.

/** A G-code command failed; the message goes to consoles as `!! message` and to the API caller as is. */
export class GcodeError extends Error {}

/** printer.cfg cannot be used; the message becomes Klippy's state message. */
export class ConfigError extends Error {}

/** An API request was refused; the message goes to the caller. */
export class WebRequestError extends Error {}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
