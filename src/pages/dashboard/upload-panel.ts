// Uploads: files are dropped anywhere on the page, or chosen; each shows its progress and can then be printed.

import { button, byId, element, messageOf, setText } from '../shared/dom.ts'
import { bytes } from '../shared/format.ts'
import type { Actions } from './actions.ts'
import { isPrinting, type Model, mayAct } from './model.ts'
import type { Panel } from './panel.ts'

/** What browsers offer to choose from. */
const SUFFIXES = '.gcode,.g,.gco,.gcd,.bgcode,.ufp,.nc'
/** Finished uploads that stay on the page. */
const KEPT = 5

export class UploadPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #list = element('ul', { class: 'uploads' })
  readonly #choose = element('input', {
    type: 'file',
    multiple: '',
    accept: SUFFIXES,
    id: 'files',
    class: 'visually-hidden',
  })
  /** The buttons of finished uploads, by which they are printed. */
  #prints: HTMLButtonElement[] = []
  #isAllowed = false
  #isBusy = false
  #last: Promise<void> = Promise.resolve()

  constructor(actions: Actions) {
    this.#actions = actions
    const label = element('label', { for: 'files', class: 'button main' }, 'Choose files')
    this.element = element(
      'section',
      { class: 'card', 'aria-labelledby': 'upload-title', hidden: '' },
      element('h2', { id: 'upload-title' }, 'Upload'),
      element(
        'div',
        { class: 'drop' },
        element('p', { class: 'with-mouse' }, 'Drop G-code files anywhere on this page, or'),
        this.#choose,
        label,
      ),
      this.#list,
    )
    this.#choose.addEventListener('change', () => {
      this.#add([...(this.#choose.files ?? [])])
      this.#choose.value = ''
    })
    this.#listenToDrops(byId('main', HTMLElement))
  }

  render(model: Model): void {
    this.#isAllowed = mayAct(model)
    this.#isBusy = isPrinting(model) || model.info?.klippy_state !== 'ready'
    this.element.hidden = !this.#isAllowed
    for (const print of this.#prints) print.disabled = this.#isBusy
  }

  #listenToDrops(main: HTMLElement): void {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const mark = (isDragged: boolean) => main.classList.toggle('dropping', isDragged && this.#isAllowed)
    addEventListener('dragover', event => {
      if (!hasFiles(event)) return
      event.preventDefault()
      mark(true)
    })
    addEventListener('dragleave', event => {
      if (event.relatedTarget === null) mark(false)
    })
    addEventListener('drop', event => {
      if (!hasFiles(event)) return
      // Else the browser would open the file.
      event.preventDefault()
      mark(false)
      if (this.#isAllowed) this.#add([...(event.dataTransfer?.files ?? [])])
    })
  }

  /** Uploads one file after the other. */
  #add(files: readonly File[]): void {
    for (const file of files) {
      const upload = new Upload(file)
      this.#list.prepend(upload.element)
      while (this.#list.children.length > KEPT + files.length) this.#list.lastElementChild?.remove()
      this.#last = this.#last.then(() => this.#send(upload))
    }
    this.element.scrollIntoView({ block: 'nearest' })
  }

  async #send(upload: Upload): Promise<void> {
    if (upload.signal.aborted) return
    try {
      await this.#actions.client.files.upload(upload.file, {
        signal: upload.signal,
        onProgress: (sent, total = upload.file.size) => upload.show(sent, total),
      })
      upload.done(...this.#buttonsOf(upload.file.name))
    } catch (error) {
      upload.failed(upload.signal.aborted ? 'Cancelled' : messageOf(error))
    }
  }

  #buttonsOf(filename: string): HTMLButtonElement[] {
    const print = button(
      'Print',
      () => this.#actions.run(client => client.call('printer.print.start', { filename })),
      { class: 'main small' },
    )
    const queue = button(
      'Add to queue',
      async () => {
        queue.disabled = await this.#actions.run(client =>
          client.call('server.job_queue.post_job', { filenames: [filename] }),
        )
      },
      { class: 'small' },
    )
    print.disabled = this.#isBusy
    this.#prints = [...this.#prints.filter(({ isConnected }) => isConnected), print]
    return [print, queue]
  }
}

/** One file on its way. */
class Upload {
  readonly file: File
  readonly element: HTMLElement
  readonly #abort = new AbortController()
  readonly #bar: HTMLProgressElement
  readonly #text = element('span', { class: 'faint', role: 'status' }, 'waiting')
  readonly #actions: HTMLElement

  constructor(file: File) {
    this.file = file
    this.#bar = element('progress', { max: '1', value: '0', 'aria-label': `Upload of ${file.name}` })
    const cancel = button('Cancel', () => this.#abort.abort(), { class: 'small' })
    this.#actions = element('div', { class: 'actions' }, cancel)
    this.element = element(
      'li',
      {},
      element('p', { class: 'name' }, file.name),
      this.#bar,
      this.#text,
      this.#actions,
    )
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  show(sent: number, total: number): void {
    this.#bar.value = total === 0 ? 1 : sent / total
    setText(this.#text, sent < total ? `${bytes(sent)} of ${bytes(total)}` : 'The server stores the file')
  }

  done(...buttons: HTMLButtonElement[]): void {
    this.#bar.remove()
    setText(this.#text, `Uploaded, ${bytes(this.file.size)}`)
    this.#actions.replaceChildren(...buttons)
  }

  failed(reason: string): void {
    this.#bar.remove()
    this.#text.className = 'problem'
    setText(this.#text, reason)
    this.#actions.remove()
  }
}
