// What the parts of the page have in common.
import type { Model } from './model.ts'

/** A part of the page. */
export interface Panel {
  readonly element: HTMLElement
  /** Shows the model; called after every change of it. */
  render(model: Model): void
}
