// The rows of the page: all of them by id, and those that the filter leaves, in their order.
import type { Change, Row, State } from './source.ts'

/** Groups of states that a person looks for. */
export const GROUPS: Readonly<Record<string, readonly State[]>> = {
  Printing: ['printing'],
  Paused: ['paused'],
  Finished: ['complete', 'cancelled'],
  Ready: ['ready'],
  'Need help': ['failed', 'error', 'shutdown', 'startup'],
  Offline: ['offline'],
}

/** What is shown: names and files that contain `text`, of one group or of all (null). */
export interface Filter {
  readonly text: string
  readonly group: string | null
}

export class Rows {
  readonly #all = new Map<string, Row>()
  #filter: Filter = { text: '', group: null }
  #shown: Row[] | null = null

  replace(rows: readonly Row[]): void {
    this.#all.clear()
    for (const row of rows) this.#all.set(row.id, row)
    this.#shown = null
  }

  apply({ changed, removed }: Change): void {
    for (const row of changed) this.#all.set(row.id, row)
    for (const id of removed) this.#all.delete(id)
    this.#shown = null
  }

  set filter(filter: Filter) {
    this.#filter = filter
    this.#shown = null
  }

  get(id: string): Row | undefined {
    return this.#all.get(id)
  }

  get size(): number {
    return this.#all.size
  }

  /** Whether any printer has a camera. */
  get hasCameras(): boolean {
    for (const { camera } of this.#all.values()) if (camera) return true
    return false
  }

  /** The rows that the filter leaves, in the order of the source. */
  get shown(): readonly Row[] {
    this.#shown ??= [...this.#all.values()].filter(row => this.#isShown(row))
    return this.#shown
  }

  #isShown({ name, state, print }: Row): boolean {
    const { text, group } = this.#filter
    if (group !== null && GROUPS[group]?.includes(state) !== true) return false
    const wanted = text.trim().toLowerCase()
    return wanted === '' || `${name}\n${print?.filename ?? ''}`.toLowerCase().includes(wanted)
  }

  /** How many rows each group has. */
  counts(): Map<string, number> {
    const counts = new Map(Object.keys(GROUPS).map(group => [group, 0]))
    for (const { state } of this.#all.values()) {
      for (const [group, states] of Object.entries(GROUPS)) {
        if (states.includes(state)) counts.set(group, (counts.get(group) ?? 0) + 1)
      }
    }
    return counts
  }
}
