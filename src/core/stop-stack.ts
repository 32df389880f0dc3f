// Stops what was started, in reverse order.
import type { Log } from './log.ts'

/** Collects the ends of things while they start. */
export class StopStack {
  readonly #log: Log
  readonly #steps: { readonly what: string; readonly stop: () => Promise<void> | void }[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** Adds a step that runs before all earlier ones. `what` names it in the log. */
  add(what: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ what, stop })
  }

  /** Runs the steps, each after the one before; one that fails is logged and does not keep the others. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.stop()
      } catch (error) {
        this.#log.error(`${step.what} did not stop cleanly`, error)
      }
    }
  }
}
