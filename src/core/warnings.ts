// What the person who runs the server should know; shown in server.info and on the welcome page.
import type { Registration } from './scope.ts'

/** The warnings that are in force, oldest first. */
export class Warnings {
  readonly #all = new Map<string, string>()
  readonly #onAdd: (text: string) => void

  /** `onAdd` hears of each new warning once. */
  constructor(onAdd: (text: string) => void = () => {}) {
    this.#onAdd = onAdd
  }

  /** Adds a warning. One with the same `id` is replaced; without an id the text is its own. */
  add(text: string, id = text): Registration {
    if (this.#all.get(id) !== text) this.#onAdd(text)
    this.#all.set(id, text)
    return { remove: () => void this.#all.delete(id) }
  }

  list(): string[] {
    return [...this.#all.values()]
  }
}
