// Bounds the work and the memory that one render may use, so that no template can hang the server.

import { TemplateError } from './template-error.ts'
import { Sequence } from './values.ts'

/** Bounds of one render; every field has a default that ordinary macros stay far below. */
export interface TemplateLimits {
  /** Units of work: about one for each evaluated node, plus one per 64 characters or 4 items handled (1,000,000). */
  maxSteps?: number
  /** Characters of the rendered text and of any text in between (1,000,000). */
  maxLength?: number
  /** Items of any list made by the template (100,000). */
  maxItems?: number
  /** Macro calls inside each other (64). */
  maxDepth?: number
}

const STEPS_PER_TURN = 5000

/** What is left of a render's limits. Every check throws a TemplateError of kind LimitError. */
export class Budget {
  readonly maxLength: number
  readonly maxItems: number
  readonly maxDepth: number
  readonly #maxSteps: number
  #used = 0
  #turnEnds = STEPS_PER_TURN

  constructor(limits: TemplateLimits) {
    this.#maxSteps = limits.maxSteps ?? 1_000_000
    this.maxLength = limits.maxLength ?? 1_000_000
    this.maxItems = limits.maxItems ?? 100_000
    this.maxDepth = limits.maxDepth ?? 64
  }

  /** Uses up `steps` units of work. */
  spend(steps: number): void {
    this.#used += steps
    if (this.#used > this.#maxSteps) {
      throw new TemplateError(
        'LimitError',
        `the template needs more than ${this.#maxSteps} steps; does a loop run away?`,
      )
    }
  }

  /** Refuses a text of `length` characters before it is made. */
  checkLength(length: number): void {
    if (!(length <= this.maxLength)) {
      throw new TemplateError(
        'LimitError',
        `the template makes a text of more than ${this.maxLength} characters`,
      )
    }
  }

  /** Refuses a list of `count` items before it is made. */
  checkItems(count: number): void {
    if (!(count <= this.maxItems)) {
      throw new TemplateError('LimitError', `the template makes a list of more than ${this.maxItems} items`)
    }
  }

  /** Counts a text or a list as work that grows with its size, and refuses one that is too large. */
  weigh(value: unknown): void {
    if (typeof value === 'string') {
      this.checkLength(value.length)
      this.spend(value.length >> 6)
    } else if (Array.isArray(value) || value instanceof Sequence) {
      const count = Array.isArray(value) ? value.length : value.items.length
      this.checkItems(count)
      this.spend(count >> 2)
    } else if (value instanceof Map) {
      this.checkItems(value.size)
      this.spend(value.size >> 2)
    }
  }

  /** Lets the event loop run when the render has worked for a while (about 2 ms). */
  async breathe(): Promise<void> {
    if (this.#used < this.#turnEnds) return
    this.#turnEnds = this.#used + STEPS_PER_TURN
    await new Promise<void>(resolve => setImmediate(resolve))
  }
}
