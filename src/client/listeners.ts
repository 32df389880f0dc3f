// Listeners by the name of their event.

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

  /** Calls the listeners of `event`. One that throws does not stop the others. */
  emit(event: string, params: readonly unknown[]): void {
    for (const listener of this.#all.get(event) ?? []) {
      try {
        listener(...params)
      } catch (error) {
        // Reported as an uncaught error, so that the owner of the listener notices it.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
