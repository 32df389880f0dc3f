// The newest values of a series, with two decimals.

/** Encodes null; no temperature is so low. */
const NULL = -(2 ** 31)
const LIMIT = 2 ** 31 - 1

/**
 * A ring buffer of numbers rounded to hundredths, or null. Integers take half the memory of floats, and divided by 100
 * they give the number with the shortest text, so that replies are short too.
 */
export class HundredthsRing {
  readonly #values: Int32Array
  #length = 0
  #next = 0

  constructor(capacity: number) {
    this.#values = new Int32Array(capacity)
  }

  /** Adds a value, and drops the oldest one if the ring is full. Anything but a finite number is null. */
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
