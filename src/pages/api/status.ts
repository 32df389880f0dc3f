// The printer's status: which objects to follow, and their fields as they are now.
import { byId, element, messageOf } from '../shared/dom.ts'
import type { Link } from './link.ts'

/** Characters of a value that are shown. */
const VALUE = 300
/** Followed from the start, if the printer has them. */
const FIRST = ['webhooks', 'print_stats', 'toolhead', 'extruder', 'heater_bed']

/** Fields of status objects by their names. */
export type Status = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Shown {
  readonly table: HTMLElement
  readonly cells: Map<string, HTMLElement>
}

export class StatusView {
  readonly #link: Link
  readonly #boxes = byId('objects', HTMLElement)
  readonly #values = byId('values', HTMLElement)
  readonly #note = byId('status-note', HTMLElement)
  #wanted = new Set<string>()
  /** What is shown, by object and field. */
  readonly #shown = new Map<string, Shown>()

  constructor(link: Link) {
    this.#link = link
    // The values scroll, with the keyboard too.
    this.#values.tabIndex = 0
  }

  /** Lists the objects, and subscribes again to the followed ones. */
  async start(): Promise<void> {
    try {
      const list = (await this.#link.resultOf('printer.objects.list')) as { readonly objects: string[] }
      if (this.#boxes.childElementCount === 0) {
        this.#wanted = new Set(FIRST.filter(name => list.objects.includes(name)))
      }
      this.#boxes.replaceChildren(...list.objects.sort().map(name => this.#box(name)))
      await this.#follow()
    } catch (error) {
      this.end(messageOf(error))
    }
  }

  /** Shows that the values are old from now on. */
  end(reason: string): void {
    this.#note.textContent = reason
    this.#values.classList.add('past')
  }

  change(changes: Status): void {
    for (const [object, fields] of Object.entries(changes)) {
      for (const [field, value] of Object.entries(fields)) this.#show(object, field, value)
    }
  }

  #box(name: string): HTMLElement {
    const box = element('input', { type: 'checkbox' })
    box.checked = this.#wanted.has(name)
    box.addEventListener('change', () => {
      if (box.checked) this.#wanted.add(name)
      else this.#wanted.delete(name)
      this.#follow().catch((error: unknown) => this.end(messageOf(error)))
    })
    return element('label', {}, box, ' ', name)
  }

  async #follow(): Promise<void> {
    const objects = Object.fromEntries([...this.#wanted].map(name => [name, null]))
    const { status } = (await this.#link.resultOf('printer.objects.subscribe', { objects })) as {
      readonly status: Status
    }
    this.#shown.clear()
    this.#values.replaceChildren()
    this.#values.classList.remove('past')
    this.#note.textContent = this.#wanted.size === 0 ? 'nothing is followed' : `${this.#wanted.size} objects`
    this.change(status)
  }

  #show(object: string, field: string, value: unknown): void {
    const text = JSON.stringify(value) ?? ''
    const cell = this.#shown.get(object)?.cells.get(field) ?? this.#addRow(object, field)
    cell.textContent = text.length > VALUE ? `${text.slice(0, VALUE)}…` : text
    // Restarts the animation at each change.
    for (const animation of cell.getAnimations()) animation.cancel()
    cell.animate([{ background: 'var(--flash)' }, { background: 'transparent' }], 1200)
  }

  #addRow(object: string, field: string): HTMLElement {
    const { table, cells } = this.#shown.get(object) ?? this.#addTable(object)
    const cell = element('td')
    cells.set(field, cell)
    table.append(element('tr', {}, element('th', { scope: 'row' }, field), cell))
    return cell
  }

  #addTable(object: string): Shown {
    const table = element('table', {}, element('caption', {}, object))
    const added = { table, cells: new Map<string, HTMLElement>() }
    this.#shown.set(object, added)
    this.#values.append(table)
    return added
  }
}
