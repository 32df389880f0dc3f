// The last so many values of a series, to two decimals.

/** Stands for null; no value comes near it. */
const NULL = -(2 ** 31)
const LIMIT = 2 ** 31 - 1

/**
 * A ring of numbers rounded to hundredths, or null. Whole hundredths take half the memory of floats and divide into
 * exactly the number whose text is shortest, so that replies are short too.
 */
export class HundredthsRing {
  readonly #values: Int32Array
  #length = 0
  #next = 0

  constructor(capacity: number) {
    this.#values = new Int32Array(capacity)
  }

  /** Adds a value; the oldest makes room. What is not a finite number is null. */
  push(value: unknown): void {
    this.#values[this.#next] = toHundredths(value)
    this.#next = (this.#next + 1) % this.#values.length
    if (this.#length < this.#values.length) this.#length += 1
  }

  /** All values, the oldest first. */
  list(): (number | null)[] {
    const all: (number | null)[] = []
    const capacity = this.#values.length
    const first = this.#next - this.#length + capacity
    for (let index = 0; index < this.#length; index += 1) {
      const hundredths = this.#values[(first + index) % capacity] as number
      all.push(hundredths === NULL ? null : hundredths / 100)
    }
    return all
  }
}

function toHundredths(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return NULL
  return Math.max(-LIMIT, Math.min(LIMIT, Math.round(value * 100)))
}
