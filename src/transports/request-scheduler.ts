// The order in which requests of all clients are handled. An iteration of the event loop handles a bounded amount of work;
// the clients whose requests wait have one request each in the next iterations (round robin).
import { WorkBudget } from '../core/work-budget.ts'

/** A client, or a connection, with requests that wait. */
export interface QueuedClient {
  /** Handles one request; returns what its handler returned. */
  handleNext(): unknown
  /** Whether another of its requests waits. */
  readonly hasNext: boolean
}

/** Its reactions run at the end of the present callback, for less than `process.nextTick`. */
const RESOLVED = Promise.resolve()

export class RequestScheduler {
  readonly #waiting = new Set<QueuedClient>()
  readonly #budget: WorkBudget
  /** Whether a request was handled in the present callback. */
  #started = false
  /** Whether the next iteration is planned. */
  #planned = false

  constructor(budget = new WorkBudget()) {
    this.#budget = budget
  }

  /** Whether no request waits: then the only request of a callback is handled at once. */
  get isFree(): boolean {
    return this.#waiting.size === 0
  }

  /**
   * Handles one of several requests of the present callback now; false if others wait, or if those of the callback have
   * used up its budget: then call `wait`. The budget is that of a callback, since noticing the end of an iteration costs a
   * system call.
   */
  handle<R>(handler: (request: R) => unknown, request: R): boolean {
    if (this.#waiting.size > 0) return false
    if (!this.#started) {
      this.#started = true
      this.#budget.renew()
      void RESOLVED.then(this.#end)
    } else if (this.#budget.isSpent) return false
    this.#budget.add(handler(request))
    return true
  }

  readonly #end = () => {
    this.#started = false
  }

  /** Handles the requests of a client one by one, between those of others. */
  wait(client: QueuedClient): void {
    this.#waiting.add(client)
    this.#plan()
  }

  /** The client has no more requests. */
  leave(client: QueuedClient): void {
    this.#waiting.delete(client)
  }

  #plan(): void {
    if (this.#planned || this.#waiting.size === 0) return
    this.#planned = true
    setImmediate(this.#next)
  }

  readonly #next = () => {
    this.#planned = false
    this.#budget.renew()
    for (const client of this.#waiting) {
      if (this.#budget.isSpent) break
      this.#waiting.delete(client)
      this.#budget.add(client.handleNext())
      if (client.hasNext) this.#waiting.add(client)
    }
    this.#plan()
  }
}
