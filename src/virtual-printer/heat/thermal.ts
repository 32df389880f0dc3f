// Heat: one body that a heater warms and the room cools, read by a sensor with a little noise.

/** Temperature of the room in °C. */
const ROOM = 22

/** What a body is made of. */
export interface Body {
  /** Full power of its heater in W. */
  readonly power: number
  /** J per K. */
  readonly capacity: number
  /** W per K that it loses to the room. */
  readonly loss: number
}

/** Decides the heater's power (0 to 1) from the present temperature. */
export type Control = (temperature: number) => number

const STEP = 0.25
/** A body left alone longer than this is taken to have settled before. */
const LONGEST = 3600

/** The temperature of a body along simulated time, worked out when somebody asks. */
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

  /** Puts the body at a temperature. */
  set(temperature: number): void {
    this.#temperature = temperature
  }

  /** Lets time pass until `now`, with the heater under `control`. */
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

/** What keeps a body at `target`: the power that holds it there, and more or less by its distance. */
export function holdingPower(body: Body, target: number, temperature: number): number {
  const hold = body.loss * (target - ROOM)
  const approach = (body.capacity * (target - temperature)) / 3
  return Math.min(1, Math.max(0, (hold + approach) / body.power))
}

/** A reading with the sensor's noise of some hundredths of a degree; the same for the same moment and sensor. */
export function reading(temperature: number, now: number, seed: number): number {
  const slow = Math.sin(now * 0.31 + seed) * 0.02
  const fast = Math.sin(now * 7.77 + seed * 3.1) * 0.015
  return Math.round((temperature + slow + fast) * 100) / 100
}
