// Spreads the starts of programs over the iterations of the event loop: each start blocks it for some milliseconds, and many in
// a row would delay the requests of clients.
import { SerialQueue } from './serial-queue.ts'
import { nextIteration } from './work-budget.ts'

export class ProgramStarts {
  readonly #queue = new SerialQueue()

  /** Resolves in an iteration of the event loop in which no other program of these starts. */
  next(): Promise<void> {
    return this.#queue.run(nextIteration)
  }
}
