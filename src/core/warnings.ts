// Warnings for the person who runs the server; shown in server.info and on the dashboard.
import type { Registration } from './scope.ts'

/** The current warnings, oldest first. */
export class Warnings {
  readonly #all = new Map<string, string>()
  readonly #onAdd: (text: string) => void

  /** `onAdd` receives each new warning once. */
  constructor(onAdd: (text: string) => void = () => {}) {
    this.#onAdd = onAdd
  }

  /** Adds a warning; it replaces one with the same `id`. The default id is the text. */
  add(text: string, id = text): Registration {
    if (this.#all.get(id) !== text) this.#onAdd(text)
    this.#all.set(id, text)
    return { remove: () => void this.#all.delete(id) }
  }

  list(): string[] {
    return [...this.#all.values()]
  }
}
