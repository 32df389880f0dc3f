// The signal of a 433 MHz remote control: 24 bits as pulses, repeated.

/** A level of the transmitter, and how long it stays. */
export interface Pulse {
  readonly isHigh: boolean
  /** In units of 350 µs. */
  readonly units: number
}

/** One unit, in nanoseconds. */
export const UNIT_NANOSECONDS = 350_000n
/** How often a code is sent. */
export const REPEATS = 10

/** Pulses of 0 and 1, and the one between two codes: high for some units, then low. */
const SHAPES = { zero: [1, 3], one: [3, 1], sync: [1, 31] } as const

/** The pulses of one transmission of a code of 0 and 1. */
export function pulsesOf(code: string): Pulse[] {
  const shapes = [...Array.from(code).map(bit => (bit === '1' ? SHAPES.one : SHAPES.zero)), SHAPES.sync]
  return shapes.flatMap(([high, low]) => [
    { isHigh: true, units: high },
    { isHigh: false, units: low },
  ])
}
