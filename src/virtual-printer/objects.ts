// The printer objects by name: what `objects/list` lists and `objects/query` asks.

/** The state of a printer object; values are plain JSON data. */
export type Status = Record<string, unknown>

/** Something with a state to report; `status` is asked at every tick at which somebody wants to know. */
export interface StatusSource {
  status(): Status
}

/** Printer objects in the order in which they came up. */
export class Objects {
  readonly #sources = new Map<string, StatusSource>()

  /** Adds an object; the first one of a name stays. */
  add(name: string, source: StatusSource): void {
    if (!this.#sources.has(name)) this.#sources.set(name, source)
  }

  get names(): string[] {
    return [...this.#sources.keys()]
  }

  has(name: string): boolean {
    return this.#sources.has(name)
  }

  /** The current state of an object, or undefined when there is none of that name. */
  status(name: string): Status | undefined {
    return this.#sources.get(name)?.status()
  }
}
