// One file that is uploaded: its progress, and what the server finds out about it.
import { button, element, setText } from '../shared/dom.ts'
import { bytes, duration } from '../shared/format.ts'

export class Upload {
  readonly file: File
  readonly element: HTMLElement
  readonly #abort = new AbortController()
  readonly #bar: HTMLProgressElement
  readonly #text = element('span', { class: 'faint', role: 'status' }, 'Waiting')
  readonly #warnings = element('ul', { class: 'fit', hidden: '' })
  readonly #actions: HTMLElement
  #printTime: number | null = null

  constructor(file: File) {
    this.file = file
    this.#bar = element('progress', { max: '1', value: '0', 'aria-label': `Upload of ${file.name}` })
    const cancel = button('Cancel', () => this.#abort.abort(), {
      class: 'small',
      'aria-label': `Cancel the upload of ${file.name}`,
    })
    this.#actions = element('div', { class: 'actions' }, cancel)
    const name = element('p', { class: 'file name' }, file.name)
    this.element = element('li', {}, name, this.#bar, this.#text, this.#warnings, this.#actions)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The browser has sent `sent` bytes. */
  show(sent: number): void {
    const { size } = this.file
    this.#bar.value = size === 0 ? 1 : sent / size
    setText(this.#text, sent < size ? `${bytes(sent)} of ${bytes(size)}` : 'The server stores the file')
  }

  /** The server has the file; `buttons` are what can be done with it. */
  done(...buttons: HTMLButtonElement[]): void {
    this.#bar.remove()
    this.#actions.replaceChildren(...buttons)
    this.#showFacts()
  }

  /** The server knows the print time, and what of the file does not fit the printer. */
  analysed(printTime: number, warnings: readonly string[]): void {
    this.#printTime = printTime
    this.#warnings.replaceChildren(...warnings.map(text => element('li', { class: 'name' }, text)))
    this.#warnings.hidden = warnings.length === 0
    if (!this.#bar.isConnected) this.#showFacts()
  }

  failed(reason: string): void {
    this.#bar.remove()
    this.#text.className = 'problem'
    setText(this.#text, reason)
    this.#actions.remove()
  }

  #showFacts(): void {
    const time = this.#printTime === null ? '' : `, prints in ${duration(this.#printTime)}`
    setText(this.#text, `Uploaded, ${bytes(this.file.size)}${time}`)
  }
}
