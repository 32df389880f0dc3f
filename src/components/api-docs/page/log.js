// The notifications as they come: the newest on top, so many of them, those that the filter lets through.
import { byId, element } from './dom.js'

/** @import { Frame } from './link.js' */

/** Notifications that are kept. */
const KEPT = 300
/** Characters of a line, and of a notification that is opened. */
const LINE = 200
const OPENED = 50_000

export class NotificationLog {
  #list = byId('log', HTMLElement)
  #filter = byId('log-filter', HTMLInputElement)
  #note = byId('log-note', HTMLElement)
  #pause = byId('log-pause', HTMLButtonElement)
  /** @type {{ row: HTMLElement, text: string }[]} Oldest first. */
  #entries = []
  #passed = 0
  #paused = false

  constructor() {
    this.#filter.addEventListener('input', () => this.#apply())
    this.#pause.addEventListener('click', () => {
      this.#paused = !this.#paused
      this.#pause.setAttribute('aria-pressed', String(this.#paused))
      this.#pause.textContent = this.#paused ? 'Go on' : 'Pause'
    })
    byId('log-clear', HTMLElement).addEventListener('click', () => this.clear())
    this.#notify()
  }

  clear() {
    this.#entries = []
    this.#passed = 0
    this.#list.replaceChildren()
    this.#notify()
  }

  /** @param {string} name */
  showOnly(name) {
    this.#filter.value = name
    this.#apply()
  }

  /** @param {Frame} frame */
  add({ method = '', params }) {
    const line = params === undefined ? '' : JSON.stringify(params)
    const text = `${method} ${line}`.toLowerCase()
    if (this.#paused || !this.#lets(text)) {
      this.#passed += 1
      this.#notify()
      return
    }
    const row = rowOf(method, params, line)
    this.#entries.push({ row, text: text.slice(0, OPENED) })
    this.#list.prepend(row)
    if (this.#entries.length > KEPT) this.#entries.shift()?.row.remove()
    this.#notify()
  }

  /** @param {string} text */
  #lets(text) {
    const words = this.#filter.value
      .toLowerCase()
      .split(/\s+/)
      .filter(word => word !== '' && word !== '-')
    return words.every(word => (word.startsWith('-') ? !text.includes(word.slice(1)) : text.includes(word)))
  }

  #apply() {
    for (const { row, text } of this.#entries) row.hidden = !this.#lets(text)
    this.#notify()
  }

  #notify() {
    const shown = this.#entries.filter(({ row }) => !row.hidden).length
    this.#note.textContent = `${shown} shown, ${this.#passed + this.#entries.length - shown} left out`
  }
}

/**
 * A line that opens.
 * @param {string} method
 * @param {unknown} params
 * @param {string} line
 */
function rowOf(method, params, line) {
  const time = element('time', {}, new Date().toLocaleTimeString(undefined, { hour12: false }))
  const short = line.length > LINE ? `${line.slice(0, LINE)}…` : line
  const summary = element('summary', {}, time, ' ', element('b', {}, method), ' ', element('code', {}, short))
  const row = element('details', {}, summary)
  if (params === undefined) return row
  // Written out when it is opened only: there are many, and few are opened.
  row.addEventListener('toggle', () => {
    if (row.querySelector('pre') === null)
      row.append(element('pre', {}, JSON.stringify(params, null, 2).slice(0, OPENED)))
  })
  return row
}
