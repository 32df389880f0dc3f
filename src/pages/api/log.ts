// The notifications that the filter accepts, the newest first.
import { byId, element } from '../shared/dom.ts'
import type { Frame } from './link.ts'

/** Notifications that are kept. */
const KEPT = 300
/** Characters of a line, and of a notification that is opened. */
const LINE = 200
const OPENED = 50_000

export class NotificationLog {
  readonly #list = byId('log', HTMLElement)
  readonly #filter = byId('log-filter', HTMLInputElement)
  readonly #note = byId('log-note', HTMLElement)
  readonly #pause = byId('log-pause', HTMLButtonElement)
  /** Oldest first. */
  #entries: { readonly row: HTMLElement; readonly text: string }[] = []
  #passed = 0
  #paused = false

  constructor() {
    this.#filter.addEventListener('input', () => this.#apply())
    this.#pause.addEventListener('click', () => {
      this.#paused = !this.#paused
      this.#pause.setAttribute('aria-pressed', String(this.#paused))
      this.#pause.textContent = this.#paused ? 'Continue' : 'Pause'
    })
    byId('log-clear', HTMLElement).addEventListener('click', () => this.clear())
    this.#notify()
  }

  clear(): void {
    this.#entries = []
    this.#passed = 0
    this.#list.replaceChildren()
    this.#notify()
  }

  /** Shows the notifications of one name only. */
  showOnly(name: string): void {
    this.#filter.value = name
    this.#apply()
  }

  add({ method = '', params }: Frame): void {
    const line = params === undefined ? '' : JSON.stringify(params)
    const text = `${method} ${line}`.toLowerCase()
    if (this.#paused || !this.#accepts(text)) {
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

  #accepts(text: string): boolean {
    const words = this.#filter.value
      .toLowerCase()
      .split(/\s+/)
      .filter(word => word !== '' && word !== '-')
    return words.every(word => (word.startsWith('-') ? !text.includes(word.slice(1)) : text.includes(word)))
  }

  #apply(): void {
    for (const { row, text } of this.#entries) row.hidden = !this.#accepts(text)
    this.#notify()
  }

  #notify(): void {
    const shown = this.#entries.filter(({ row }) => !row.hidden).length
    this.#note.textContent = `${shown} shown, ${this.#passed + this.#entries.length - shown} left out`
  }
}

/** A line that opens. */
function rowOf(method: string, params: unknown, line: string): HTMLElement {
  const time = element('time', {}, new Date().toLocaleTimeString(undefined, { hour12: false }))
  const short = line.length > LINE ? `${line.slice(0, LINE)}…` : line
  const summary = element('summary', {}, time, ' ', element('b', {}, method), ' ', element('code', {}, short))
  const row = element('details', {}, summary)
  if (params === undefined) return row
  // Written out only when it is opened: there are many, and few are opened.
  row.addEventListener('toggle', () => {
    if (row.querySelector('pre') === null) {
      row.append(element('pre', {}, JSON.stringify(params, null, 2).slice(0, OPENED)))
    }
  })
  return row
}
