// Limits the work and the memory of one render, so that no template can hang the server.

import { TemplateError } from './template-error.ts'
import { Sequence } from './values.ts'

/** Limits of one render; ordinary macros stay far below the defaults. */
export interface TemplateLimits {
  /** Units of work: about one for each evaluated node, plus one per 64 characters or 4 items handled (1,000,000). */
  maxSteps?: number
  /** Characters of the rendered text and of any text that the template makes (250,000). */
  maxLength?: number
  /** Items of any list made by the template (100,000). */
  maxItems?: number
  /** Macro calls inside each other (100). */
  maxDepth?: number
}

const STEPS_PER_TURN = 5000
/** Characters that a search compares in the time of one step. */
const COMPARISONS_PER_STEP = 512

/** The rest of a render's limits. Every check throws a TemplateError of kind LimitError. */
export class Budget {
  readonly maxLength: number
  readonly maxItems: number
  readonly maxDepth: number
  readonly #maxSteps: number
  #used = 0
  #turnEnds = STEPS_PER_TURN

  constructor(limits: TemplateLimits) {
    this.#maxSteps = limits.maxSteps ?? 1_000_000
    this.maxLength = limits.maxLength ?? 250_000
    this.maxItems = limits.maxItems ?? 100_000
    this.maxDepth = limits.maxDepth ?? 100
  }

  /** Uses up `steps` units of work. */
  spend(steps: number): void {
    this.#used += steps
    if (this.#used > this.#maxSteps) {
      throw new TemplateError(
        'LimitError',
        `the template needs more than ${this.#maxSteps} steps: check its loops`,
      )
    }
  }

  /** Checks the length of a text before it is built. */
  checkLength(length: number): void {
    if (!(length <= this.maxLength)) {
      throw new TemplateError(
        'LimitError',
        `the template makes a text of more than ${this.maxLength} characters`,
      )
    }
  }

  /** Checks the length of a list before it is built. */
  checkItems(count: number): void {
    if (!(count <= this.maxItems)) {
      throw new TemplateError('LimitError', `the template makes a list of more than ${this.maxItems} items`)
    }
  }

  /** Counts the handling of a value as work that grows with its size. */
  weigh(value: unknown): void {
    if (typeof value === 'string') this.spend(value.length >> 6)
    else this.spend(itemCount(value) >> 2)
  }

  /** Counts a search for `part` in `text`: in the worst case it compares each character with each. */
  weighSearch(text: string, part: string): void {
    this.spend(Math.floor((Math.max(0, text.length - part.length) * part.length) / COMPARISONS_PER_STEP))
  }

  /** Checks the size of a value that the template made. */
  admit(value: unknown): void {
    if (typeof value === 'string') this.checkLength(value.length)
    else this.checkItems(itemCount(value))
    this.weigh(value)
  }

  /** Whether the render has run for so long (about 2 ms) that it should yield with `breathe`. */
  get isTired(): boolean {
    return this.#used >= this.#turnEnds
  }

  /** Yields to the event loop. */
  async breathe(): Promise<void> {
    this.#turnEnds = this.#used + STEPS_PER_TURN
    await new Promise<void>(resolve => setImmediate(resolve))
  }
}

function itemCount(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (value instanceof Sequence) return value.items.length
  return value instanceof Map ? value.size : 0
}
