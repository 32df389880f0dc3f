// Spreads the starts of programs over the turns of the event loop: each start blocks it for some milliseconds, and many in
// a row would delay the requests of clients.
import { SerialQueue } from './serial-queue.ts'
import { nextTurn } from './turn-budget.ts'

export class ProgramStarts {
  readonly #queue = new SerialQueue()

  /** Resolves in a turn of the event loop in which no other program of these starts. */
  next(): Promise<void> {
    return this.#queue.run(nextTurn)
  }
}
