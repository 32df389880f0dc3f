// How fast a print is compared with its plan: 1 as planned, 2 for twice the time. A slow macro, or a limit that the plan
// does not know, shows here.

/** Seconds of planned time after which an old pace counts for a third. */
const MEMORY = 300
/** Limits for one measurement, such as a wait for a heater between two moves. */
const SLOWEST = 4
const FASTEST = 0.25

/** Where a print is. */
export interface PaceMeasurement {
  /** The planned time of its position in seconds. */
  readonly planned: number
  /** How long it has printed, in seconds. */
  readonly printed: number
  /** The speed factor that a person has set: 0.5 needs twice the planned time. */
  readonly speedFactor: number
}

export class Pace {
  #value = 1
  #planned: number | null = null
  #printed = 0

  /** Without the part of the speed factor. */
  get value(): number {
    return this.#value
  }

  measure({ planned, printed, speedFactor }: PaceMeasurement): void {
    const before = this.#planned
    const [plannedStep, printedStep] = [planned - (before ?? 0), printed - this.#printed]
    if (before !== null && plannedStep === 0) return
    this.#planned = planned
    this.#printed = printed
    // The first measurement contains what came before the first move; a step back is another print. Klipper counts no
    // time before the first extrusion.
    if (before === null || before === 0 || plannedStep < 0 || printedStep <= 0) return
    const step = Math.min(SLOWEST, Math.max(FASTEST, (printedStep / plannedStep) * speedFactor))
    this.#value += (step - this.#value) * (1 - Math.exp(-plannedStep / MEMORY))
  }
}
