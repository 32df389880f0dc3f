// The last prints, with their pictures.
import { button, element, svg } from '../shared/dom.ts'
import { ago, baseName, duration } from '../shared/format.ts'
import { jobWord } from '../shared/words.ts'
import type { Actions } from './actions.ts'
import { isPrinting, type Job, type Model, mayAct } from './model.ts'
import type { Panel } from './panel.ts'
import { showThumbnail, thumbnailOf } from './thumbnail.ts'

export class HistoryPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #list = element('ul', { class: 'prints' })
  readonly #empty = element('p', { class: 'faint' })
  #shown: readonly unknown[] = []

  constructor(actions: Actions) {
    this.#actions = actions
    this.element = element(
      'section',
      { class: 'card', 'aria-labelledby': 'history-title' },
      element('h2', { id: 'history-title' }, 'Last prints'),
      this.#empty,
      this.#list,
    )
  }

  render(model: Model): void {
    // The print that runs is shown above.
    const jobs = model.jobs?.filter(({ status }) => status !== 'in_progress') ?? null
    const canPrint = mayAct(model) && !isPrinting(model) && model.info?.klippy_state === 'ready'
    // The age of a job is shown in minutes.
    const shown = [model.jobs, canPrint, Math.floor(Date.now() / 60_000)]
    if (shown.every((part, index) => part === this.#shown[index])) return
    this.#shown = shown
    this.element.hidden = jobs === null
    this.#empty.hidden = jobs?.length !== 0
    this.#empty.textContent = mayAct(model) ? 'No prints yet: drop a G-code file here.' : 'No prints yet.'
    this.#list.replaceChildren(...(jobs ?? []).map(job => this.#row(job, canPrint)))
  }

  #row(job: Job, canPrint: boolean): HTMLElement {
    const { filename, metadata, status, exists, end_time, start_time, print_duration } = job
    const { text, tone } = jobWord(status)
    const picture = element('img', { alt: '', hidden: '' })
    if (exists) showThumbnail(picture, thumbnailOf(filename, metadata, 100))
    const reason = job.auxiliary_data.find(({ name }) => name === 'reason')?.value
    const age = ago(Date.now() / 1000 - (end_time ?? start_time))
    const again = button(
      'Print again',
      () => this.#actions.run(client => client.call('printer.print.start', { filename })),
      { class: 'small', 'aria-label': `Print ${filename} again` },
    )
    return element(
      'li',
      {},
      element('div', { class: 'thumb' }, emptyPicture(), picture),
      element(
        'div',
        { class: 'about' },
        element('p', { class: 'name', title: filename }, baseName(filename)),
        element(
          'p',
          { class: 'faint' },
          element('span', { class: `word ${tone}` }, text),
          ` · ${duration(print_duration)} · ${age}`,
        ),
        ...(typeof reason === 'string' && reason !== ''
          ? [element('p', { class: 'faint name' }, reason)]
          : []),
      ),
      ...(canPrint && exists ? [again] : []),
    )
  }
}

/** A cube, for files without a picture. */
function emptyPicture(): SVGElement {
  const edges = svg('path', { d: 'M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5' })
  return svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, edges)
}
