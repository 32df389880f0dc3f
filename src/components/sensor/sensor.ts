// One sensor: its present values, and the last ones of each parameter.
import { ApiError } from '../../core/errors.ts'
import type { HistoryField } from './history-field.ts'

/** What clients see of a sensor, apart from its values. */
export interface SensorSettings {
  readonly id: string
  readonly friendlyName: string
  readonly type: string
  /** Values kept of each parameter. */
  readonly storeSize: number
  /** The options of each parameter. */
  readonly parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Parameters that a template can set: each takes memory for its last values. */
const MAX_PARAMETERS = 64

export class Sensor {
  readonly settings: SensorSettings
  readonly fields: readonly HistoryField[]
  #values = new Map<string, number>()
  readonly #stored = new Map<string, number[]>()
  #hasChanged = false

  /** `makeFields` receives a function that returns the present value of a parameter. */
  constructor(
    settings: SensorSettings,
    makeFields: (present: (parameter: string) => number | null) => readonly HistoryField[],
  ) {
    this.settings = settings
    this.fields = makeFields(parameter => this.#values.get(parameter) ?? null)
  }

  get values(): Record<string, number> {
    return Object.fromEntries(this.#values)
  }

  get hasValues(): boolean {
    return this.#values.size > 0
  }

  /** The last values of each parameter, the oldest first. */
  get measurements(): Record<string, number[]> {
    return Object.fromEntries(this.#stored)
  }

  /** Sets the values of one message. Throws ApiError 400 for too many parameters. */
  set(values: ReadonlyMap<string, number>): void {
    const parameters = new Set([...this.#values.keys(), ...values.keys()])
    if (parameters.size > MAX_PARAMETERS) {
      throw new ApiError(400, `a sensor has at most ${MAX_PARAMETERS} parameters`)
    }
    for (const [parameter, value] of values) {
      if (this.#values.get(parameter) !== value) this.#hasChanged = true
      this.#values.set(parameter, value)
    }
    for (const field of this.fields) {
      const value = values.get(field.settings.parameter)
      if (value !== undefined) field.add(value)
    }
  }

  /** The source of values was lost. */
  clear(): void {
    if (this.hasValues) this.#hasChanged = true
    this.#values = new Map()
  }

  /** Stores the present values. Returns whether they differ from those of the last call. */
  sample(): boolean {
    for (const [parameter, value] of this.#values) {
      const stored = this.#stored.get(parameter) ?? []
      if (stored.length >= this.settings.storeSize) stored.shift()
      stored.push(value)
      this.#stored.set(parameter, stored)
    }
    const hasChanged = this.#hasChanged
    this.#hasChanged = false
    return hasChanged
  }
}
