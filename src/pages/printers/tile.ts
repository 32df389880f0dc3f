// One tile: a printer with its state, its print, its picture and its buttons.
import { button, element, setText } from '../shared/dom.ts'
import type { Word } from '../shared/words.ts'
import type { Command, Row, State } from './source.ts'

/** The states of printers, in words that leave room for the name. */
const WORDS: Readonly<Record<State, Word>> = {
  ready: { text: 'Ready', tone: 'good' },
  startup: { text: 'Starting', tone: 'wait' },
  error: { text: 'Problem', tone: 'bad' },
  shutdown: { text: 'Shut down', tone: 'bad' },
  printing: { text: 'Printing', tone: 'busy' },
  paused: { text: 'Paused', tone: 'wait' },
  complete: { text: 'Complete', tone: 'good' },
  cancelled: { text: 'Cancelled', tone: 'idle' },
  failed: { text: 'Failed', tone: 'bad' },
  offline: { text: 'Offline', tone: 'idle' },
}

const BUTTONS: Readonly<Record<Command, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel',
  emergency_stop: 'Emergency stop',
}

/** The buttons of a printer, by its state. */
function commandsOf({ state, canCommand }: Row): readonly Command[] {
  if (!canCommand || state === 'offline' || state === 'shutdown') return []
  if (state === 'printing') return ['pause', 'cancel', 'emergency_stop']
  if (state === 'paused') return ['resume', 'cancel', 'emergency_stop']
  return ['emergency_stop']
}

/** Which printers a person has selected, by their ids. */
export interface Choice {
  has(id: string): boolean
  set(id: string, isChosen: boolean): void
}

/** What a tile calls. */
export interface TileActions {
  readonly command: (row: Row, command: Command) => void
  /** Left out where printers cannot be selected. */
  readonly choice?: Choice
}

export class Tile {
  readonly root = element('li', { class: 'tile' })
  readonly #name = element('a', { class: 'link' })
  readonly #state = element('span', { class: 'state' })
  readonly #picture = element('img', { alt: '' })
  readonly #file = element('p', { class: 'file' })
  readonly #progress = element('progress', { max: '1' })
  readonly #percent = element('span', { class: 'percent' })
  readonly #problem = element('p', { class: 'problem' })
  readonly #buttons = element('div', { class: 'buttons' })
  readonly #chosen = element('input', { type: 'checkbox' })
  readonly #actions: TileActions
  #row: Row | null = null
  #shownButtons = ''
  #pictureUrl: string | null = null

  constructor(actions: TileActions) {
    this.#actions = actions
    this.root.append(
      element('h2', {}, this.#name, this.#state),
      element('div', { class: 'picture' }, this.#picture),
      this.#problem,
      this.#file,
      element('div', { class: 'progress' }, this.#progress, this.#percent),
      this.#buttons,
    )
    this.#picture.hidden = true
    const { choice } = actions
    if (choice === undefined) return
    this.#name.before(this.#chosen)
    this.#chosen.addEventListener('change', () => choice.set(this.#row?.id ?? '', this.#chosen.checked))
  }

  /** Shows `row`; `index` of `count` is for screen readers. */
  show(row: Row, index: number, count: number): void {
    if (this.#row?.id !== row.id) this.setPicture(null)
    this.root.setAttribute('aria-posinset', String(index + 1))
    this.root.setAttribute('aria-setsize', String(count))
    this.#chosen.checked = this.#actions.choice?.has(row.id) === true
    if (this.#row === row) return
    this.#row = row
    this.#chosen.setAttribute('aria-label', `Select ${row.name}`)
    const { name, link, state, print, problem } = row
    setText(this.#name, name)
    this.#name.title = name
    this.#name.href = link
    const word = WORDS[state]
    setText(this.#state, word.text)
    this.#state.className = `state ${word.tone}`
    this.root.dataset.tone = word.tone
    setText(this.#problem, problem ?? '')
    this.#problem.title = problem ?? ''
    this.#problem.hidden = problem === null
    const isActive = print !== null && (state === 'printing' || state === 'paused')
    setText(this.#file, print?.filename ?? '')
    this.#file.title = print?.filename ?? ''
    this.#progress.hidden = !isActive
    this.#percent.hidden = !isActive
    this.#progress.value = print?.progress ?? 0
    this.#progress.setAttribute('aria-label', `Progress of ${name}`)
    setText(this.#percent, `${((print?.progress ?? 0) * 100).toFixed(1)} %`)
    this.#showButtons(row)
  }

  #showButtons(row: Row): void {
    const commands = commandsOf(row)
    const shown = `${row.id} ${commands.join()}`
    if (shown === this.#shownButtons) return
    this.#shownButtons = shown
    this.#buttons.replaceChildren(
      ...commands.map(command => {
        const kind = command === 'emergency_stop' ? 'small danger' : 'small'
        const run = () => this.#actions.command(this.#row as Row, command)
        return button(BUTTONS[command], run, {
          class: kind,
          'aria-label': `${BUTTONS[command]}: ${row.name}`,
        })
      }),
    )
  }

  /** Shows a picture, or an empty field. */
  setPicture(picture: Blob | null): void {
    const old = this.#pictureUrl
    this.#pictureUrl = picture === null ? null : URL.createObjectURL(picture)
    if (this.#pictureUrl === null) this.#picture.removeAttribute('src')
    else this.#picture.src = this.#pictureUrl
    this.#picture.alt = this.#row === null ? '' : `Camera of ${this.#row.name}`
    this.#picture.hidden = picture === null
    if (old !== null) URL.revokeObjectURL(old)
  }

  /** Places the tile. */
  move(left: number, top: number, width: number, height: number): void {
    const { style } = this.root
    style.transform = `translate(${left}px, ${top}px)`
    style.width = `${width}px`
    style.height = `${height}px`
  }

  remove(): void {
    this.setPicture(null)
    this.root.remove()
  }
}
