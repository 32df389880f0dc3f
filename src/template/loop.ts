// The variable `loop` inside a `for`.

import type { Run } from './builtin.ts'
import { equals } from './operators.ts'
import { TemplateError } from './template-error.ts'
import { Callable, type TemplateObject, tuple } from './values.ts'

/** The position of a loop, which templates read as `loop`. */
export class Loop implements TemplateObject {
  readonly typeName = 'LoopContext'
  readonly #items: readonly unknown[]
  readonly #run: Run
  #index = 0
  #seen: unknown

  constructor(items: readonly unknown[], run: Run) {
    this.#items = items
    this.#run = run
  }

  /** Moves to the item with this index, from 0. */
  moveTo(index: number): void {
    this.#index = index
  }

  getItem(key: unknown): unknown {
    const { length } = this.#items
    const index = this.#index
    switch (key) {
      case 'index':
        return index + 1
      case 'index0':
        return index
      case 'revindex':
        return length - index
      case 'revindex0':
        return length - index - 1
      case 'first':
        return index === 0
      case 'last':
        return index === length - 1
      case 'length':
        return length
      case 'depth':
        // It counts recursive loops, which the engine does not have.
        return 1
      case 'depth0':
        return 0
      case 'previtem':
        return this.#items[index - 1] ?? this.#run.undefined('there is no previous item')
      case 'nextitem':
        return this.#items[index + 1] ?? this.#run.undefined('there is no next item')
      case 'cycle':
        return new Callable('cycle', args => this.#cycle(args))
      case 'changed':
        return new Callable('changed', args => this.#changed(args))
      default:
        return undefined
    }
  }

  #cycle(args: readonly unknown[]): unknown {
    if (args.length === 0) throw new TemplateError('TypeError', 'no items for cycling given')
    return args[this.#index % args.length]
  }

  #changed(args: readonly unknown[]): boolean {
    const values = tuple(...args)
    const same = this.#seen !== undefined && equals(this.#seen, values, this.#run.budget)
    this.#seen = values
    return !same
  }
}
