// How much work one iteration of the event loop may hold, so that many requests of one client do not delay those of others.

/** Milliseconds of work that runs without a break. */
const MAX_WORK = 5
/** Tasks that end later, by a promise: what they cost then adds up in one iteration. */
const MAX_PENDING = 4

/** The budget of one iteration. It is spent until the first call of `renew`. */
export class WorkBudget {
  readonly #maxWork: number
  #end = 0
  #pending = 0

  constructor(maxWork = MAX_WORK) {
    this.#maxWork = maxWork
  }

  /** A new iteration. */
  renew(): void {
    this.#end = performance.now() + this.#maxWork
    this.#pending = 0
  }

  /** Counts a task, by what it returned. */
  add(returned: unknown): void {
    if (returned instanceof Promise) this.#pending += 1
  }

  /** Whether further work should wait for the next iteration. */
  get isSpent(): boolean {
    return this.#pending >= MAX_PENDING || performance.now() >= this.#end
  }
}

/** Resolves in the next iteration of the event loop. */
export function nextIteration(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
