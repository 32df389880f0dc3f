// The printer's status: which objects to follow, and their fields as they are now.
import { byId, element, messageOf } from './dom.js'

/** @import { Link } from './link.js' */

/** Characters of a value that are shown. */
const VALUE = 300
/** Followed from the start, if the printer has them. */
const FIRST = ['webhooks', 'print_stats', 'toolhead', 'extruder', 'heater_bed']

/** @typedef {Record<string, Record<string, unknown>>} Status */

export class StatusView {
  #link
  #boxes = byId('objects', HTMLElement)
  #values = byId('values', HTMLElement)
  #note = byId('status-note', HTMLElement)
  /** @type {Set<string>} */
  #wanted = new Set()
  /** @type {Map<string, { table: HTMLElement, cells: Map<string, HTMLElement> }>} What is shown, by object and field. */
  #shown = new Map()

  /** @param {Link} link */
  constructor(link) {
    this.#link = link
  }

  /** Lists the objects, and subscribes again to the followed ones. */
  async start() {
    try {
      const { objects } = await this.#link.resultOf('printer.objects.list')
      if (this.#boxes.childElementCount === 0)
        this.#wanted = new Set(FIRST.filter(name => objects.includes(name)))
      this.#boxes.replaceChildren(...objects.sort().map((/** @type {string} */ name) => this.#box(name)))
      await this.#follow()
    } catch (error) {
      this.end(messageOf(error))
    }
  }

  /**
   * The values are of the past from now on.
   * @param {string} reason
   */
  end(reason) {
    this.#note.textContent = reason
    this.#values.classList.add('past')
  }

  /** @param {Status} changes */
  change(changes) {
    for (const [object, fields] of Object.entries(changes)) {
      for (const [field, value] of Object.entries(fields)) this.#show(object, field, value)
    }
  }

  /** @param {string} name */
  #box(name) {
    const box = element('input', { type: 'checkbox' })
    box.checked = this.#wanted.has(name)
    box.addEventListener('change', () => {
      if (box.checked) this.#wanted.add(name)
      else this.#wanted.delete(name)
      this.#follow().catch(error => this.end(error.message))
    })
    return element('label', {}, box, ' ', name)
  }

  async #follow() {
    const objects = Object.fromEntries([...this.#wanted].map(name => [name, null]))
    const { status } = await this.#link.resultOf('printer.objects.subscribe', { objects })
    this.#shown.clear()
    this.#values.replaceChildren()
    this.#values.classList.remove('past')
    this.#note.textContent = this.#wanted.size === 0 ? 'nothing is followed' : `${this.#wanted.size} objects`
    this.change(status)
  }

  /**
   * @param {string} object
   * @param {string} field
   * @param {unknown} value
   */
  #show(object, field, value) {
    const text = JSON.stringify(value) ?? ''
    const cell = this.#shown.get(object)?.cells.get(field) ?? this.#addRow(object, field)
    cell.textContent = text.length > VALUE ? `${text.slice(0, VALUE)}…` : text
    // Restarts the animation at each change.
    for (const animation of cell.getAnimations()) animation.cancel()
    cell.animate([{ background: 'var(--flash)' }, { background: 'transparent' }], 1200)
  }

  /**
   * @param {string} object
   * @param {string} field
   */
  #addRow(object, field) {
    const { table, cells } = this.#shown.get(object) ?? this.#addTable(object)
    const cell = element('td', {})
    cells.set(field, cell)
    table.append(element('tr', {}, element('th', { scope: 'row' }, field), cell))
    return cell
  }

  /** @param {string} object */
  #addTable(object) {
    const table = element('table', {}, element('caption', {}, object))
    const added = { table, cells: new Map() }
    this.#shown.set(object, added)
    this.#values.append(table)
    return added
  }
}
