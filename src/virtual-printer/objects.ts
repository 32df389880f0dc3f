// The printer objects by name, for `objects/list` and `objects/query`.

/** The status of a printer object; values are plain JSON data. */
export type Status = Record<string, unknown>

/** An object with a status; `status` is called at every tick at which a client follows it. */
export interface StatusSource {
  status(): Status
}

/** Printer objects in the order of their creation. */
export class Objects {
  readonly #sources = new Map<string, StatusSource>()

  /** Adds an object; a second one of the same name is ignored. */
  add(name: string, source: StatusSource): void {
    if (!this.#sources.has(name)) this.#sources.set(name, source)
  }

  get names(): string[] {
    return [...this.#sources.keys()]
  }

  has(name: string): boolean {
    return this.#sources.has(name)
  }

  /** The current status of an object; undefined for an unknown name. */
  status(name: string): Status | undefined {
    return this.#sources.get(name)?.status()
  }
}
