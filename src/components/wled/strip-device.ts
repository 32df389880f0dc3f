// What a strip's connection must be able to do.

/** The state of a strip as WLED's JSON API returns it; other fields are ignored. */
export interface StripState {
  readonly on?: unknown
  readonly bri?: unknown
  /** The active preset. */
  readonly ps?: unknown
  readonly seg?: unknown
}

/** The connection to the controller of a strip. */
export interface StripDevice {
  /** Sends a message of WLED's JSON API. Rejects with Error, whose message is for the user. */
  send(message: Readonly<Record<string, unknown>>): Promise<void>
  /** Reads the state; null if the connection cannot. Rejects with Error, whose message is for the user. */
  read(): Promise<StripState | null>
}
