// One value that a sensor adds to each job of the history.
import type { InferShape } from '../../schema/index.ts'
import type { AuxiliarySource } from '../history/service.ts'
import type { fieldKeys } from './options.ts'
import { createTracker, type Tracker } from './strategies.ts'

/** How the field is configured. */
export type FieldSettings = InferShape<typeof fieldKeys>

export class HistoryField implements AuxiliarySource {
  readonly provider: string
  readonly name: string
  readonly settings: FieldSettings
  readonly precision?: number
  readonly #present: () => number | null
  #tracker: Tracker
  #isPaused = false

  /** `present` returns the present value of the parameter, null without one. */
  constructor(sensor: string, name: string, settings: FieldSettings, present: () => number | null) {
    this.provider = `sensor ${sensor}`
    this.name = name
    this.settings = settings
    if (settings.precision !== null) this.precision = settings.precision
    this.#present = present
    this.#tracker = createTracker(settings.strategy, null)
  }

  get description(): string {
    return this.settings.desc ?? `${this.settings.parameter} tracker`
  }

  get units(): string | null {
    return this.settings.units
  }

  get total(): boolean {
    return this.settings.report_total
  }

  get maximum(): boolean {
    return this.settings.report_maximum
  }

  reset(): void {
    const { strategy, init_tracker } = this.settings
    this.#tracker = createTracker(strategy, init_tracker ? this.#present() : null)
    this.#isPaused = false
  }

  value(): unknown {
    return this.#tracker.value
  }

  /** The sensor has measured a value of the parameter. */
  add(value: number): void {
    if (!this.#isPaused || !this.settings.exclude_paused) this.#tracker.add(value)
  }

  /** The job was paused or resumed. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
  }
}
