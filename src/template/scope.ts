// The variables of a template: nested scopes over the host's context.

/** The variables of one block. Assigning changes this scope only; reading also searches the outer scopes. */
export class Scope {
  readonly #values = new Map<string, unknown>()
  readonly #outer: Scope | undefined
  readonly #outermost: (name: string) => unknown

  private constructor(outer: Scope | undefined, outermost: (name: string) => unknown) {
    this.#outer = outer
    this.#outermost = outermost
  }

  /** The scope of a whole template; `outermost` returns the variables that the template does not define. */
  static root(outermost: (name: string) => unknown): Scope {
    return new Scope(undefined, outermost)
  }

  /** A new scope inside this one. */
  inner(): Scope {
    return new Scope(this, this.#outermost)
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value)
  }

  /** The value of a variable as the host or the template set it; `undefined` for an unknown name. */
  get(name: string): unknown {
    const value = this.#values.get(name)
    if (value !== undefined) return value
    return this.#outer ? this.#outer.get(name) : this.#outermost(name)
  }
}
