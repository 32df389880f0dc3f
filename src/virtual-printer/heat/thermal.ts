// A thermal body: a heater warms it, the room cools it, a sensor reads it with a little noise.

/** Temperature of the room in °C. */
const ROOM = 22

/** The physical constants of a body. */
export interface Body {
  /** Full power of its heater in W. */
  readonly power: number
  /** J per K. */
  readonly capacity: number
  /** W per K that it loses to the room. */
  readonly loss: number
}

/** Returns the heater's power (0 to 1) at a temperature. */
export type Control = (temperature: number) => number

const STEP = 0.25
/** Seconds that one advance simulates at most; longer ago the body had settled. */
const LONGEST = 3600

/** The temperature of a body in simulated time, computed on request. */
export class ThermalBody {
  readonly #body: Body
  #time: number
  #temperature: number
  #power = 0

  constructor(body: Body, now: number, temperature = ROOM) {
    this.#body = body
    this.#time = now
    this.#temperature = temperature
  }

  get temperature(): number {
    return this.#temperature
  }

  /** Share of the heater's power in the last step, 0 to 1. */
  get power(): number {
    return this.#power
  }

  /** Sets the temperature of the body. */
  set(temperature: number): void {
    this.#temperature = temperature
  }

  /** Simulates the time until `now`, with the heater under `control`. */
  advance(now: number, control: Control, cooling = 0): void {
    if (now - this.#time > LONGEST) this.#time = now - LONGEST
    const { power, capacity, loss } = this.#body
    while (this.#time + STEP <= now) {
      this.#time += STEP
      this.#power = control(this.#temperature)
      const flow = power * this.#power - (loss + cooling) * (this.#temperature - ROOM)
      this.#temperature += (flow * STEP) / capacity
    }
  }
}

/** The power that holds a body at `target`, corrected by its distance from the target. */
export function holdingPower(body: Body, target: number, temperature: number): number {
  const hold = body.loss * (target - ROOM)
  const approach = (body.capacity * (target - temperature)) / 3
  return Math.min(1, Math.max(0, (hold + approach) / body.power))
}

/** A reading with the sensor's noise of some hundredths of a degree; the same for the same time and sensor. */
export function reading(temperature: number, now: number, seed: number): number {
  const slow = Math.sin(now * 0.31 + seed) * 0.02
  const fast = Math.sin(now * 7.77 + seed * 3.1) * 0.015
  return Math.round((temperature + slow + fast) * 100) / 100
}
