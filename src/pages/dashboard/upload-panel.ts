// Uploads: files are dropped anywhere on the page, or chosen; each shows its progress and can then be printed.
import type { Client } from '../../client/index.ts'

import { button, byId, element, messageOf } from '../shared/dom.ts'
import type { Actions } from './actions.ts'
import { isPrinting, type Model, mayAct } from './model.ts'
import type { Panel } from './panel.ts'
import { Upload } from './upload.ts'

/** The ends of the names of G-code files. */
const SUFFIXES = ['.gcode', '.g', '.gco', '.ufp', '.nc', '.bgcode']
/** Milliseconds in which the server analyses a file, if it does. */
const ANALYSIS = 300_000
/** Finished uploads that stay on the page. */
const KEPT = 5

export class UploadPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #list = element('ul', { class: 'uploads' })
  readonly #choose = element('input', {
    type: 'file',
    multiple: '',
    accept: SUFFIXES.join(),
    id: 'files',
    class: 'visually-hidden',
  })
  /** The buttons of finished uploads, by which they are printed. */
  #prints: HTMLButtonElement[] = []
  readonly #finished: HTMLElement[] = []
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
      this.#last = this.#last.then(() => this.#send(upload))
    }
    this.element.scrollIntoView({ block: 'nearest' })
  }

  async #send(upload: Upload): Promise<void> {
    const { file, signal } = upload
    try {
      if (!SUFFIXES.some(suffix => file.name.toLowerCase().endsWith(suffix))) {
        throw new Error(`This is no G-code file: its name ends with none of ${SUFFIXES.join(', ')}`)
      }
      signal.throwIfAborted()
      const { client } = this.#actions
      this.#showAnalysis(client, upload)
      await client.files.upload(file, { signal, onProgress: sent => upload.show(sent) })
      upload.done(...this.#buttonsOf(file.name))
    } catch (error) {
      upload.failed(signal.aborted ? 'Cancelled' : messageOf(error))
    }
    this.#finished.push(upload.element)
    if (this.#finished.length > KEPT) this.#finished.shift()?.remove()
  }

  /** Shows the print time, and what does not fit the printer, when the server has analysed the file. */
  #showAnalysis(client: Client, upload: Upload): void {
    const stop = client.on('notify_file_analyzed', ({ filename, print_time, warnings }) => {
      if (filename !== upload.file.name) return
      upload.analysed(print_time, warnings)
      stop()
    })
    setTimeout(stop, ANALYSIS)
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
