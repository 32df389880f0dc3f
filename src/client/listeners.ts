// Listeners by the name of what they listen to.

/** The parameters of each event, in order. */
export type EventTable = { readonly [event: string]: readonly unknown[] }

type Listener = (...params: readonly unknown[]) => void

export class Listeners<E extends EventTable> {
  readonly #all = new Map<string, Set<Listener>>()

  /** Calls `listener` at each `event` until the returned function is called. */
  on<K extends keyof E & string>(event: K, listener: (...params: E[K]) => void): () => void {
    const set = this.#all.get(event) ?? new Set<Listener>()
    const added: Listener = (...params) => listener(...(params as E[K]))
    this.#all.set(event, set.add(added))
    return () => void set.delete(added)
  }

  /** Calls the listeners of `event`. One that throws does not keep the others from hearing it. */
  emit(event: string, params: readonly unknown[]): void {
    for (const listener of this.#all.get(event) ?? []) {
      try {
        listener(...params)
      } catch (error) {
        // To where uncaught errors are reported: a listener's mistake is its owner's to hear of.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
