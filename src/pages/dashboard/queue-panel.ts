// The job queue: what waits, why it waits, and the start of the next job when the plate is clear.
import { button, element, setText } from '../shared/dom.ts'
import { ago } from '../shared/format.ts'
import type { Actions } from './actions.ts'
import { isPrinting, type Model, mayAct, printState, type Queue } from './model.ts'
import type { Panel } from './panel.ts'

/** Jobs that the page shows; the queue may hold thousands. */
const SHOWN = 20

export class QueuePanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #note = element('p', { class: 'faint name' })
  readonly #list = element('ol', { class: 'jobs' })
  readonly #start: HTMLButtonElement
  readonly #clear: HTMLButtonElement
  readonly #pause: HTMLButtonElement
  readonly #buttons: HTMLElement
  #shown: readonly unknown[] = []

  constructor(actions: Actions) {
    this.#actions = actions
    this.#start = button('', () => actions.run(client => client.call('server.job_queue.start')), {
      class: 'main',
    })
    this.#clear = button('Plate is clear', () =>
      actions.run(client => client.call('server.job_queue.plate_clear')),
    )
    this.#pause = button('Pause the queue', () =>
      actions.run(client => client.call('server.job_queue.pause')),
    )
    this.#buttons = element('div', { class: 'actions' }, this.#start, this.#clear, this.#pause)
    this.element = element(
      'section',
      { class: 'card', 'aria-labelledby': 'queue-title' },
      element('h2', { id: 'queue-title' }, 'Queue'),
      this.#note,
      this.#list,
      this.#buttons,
    )
  }

  render(model: Model): void {
    const { queue } = model
    this.element.hidden = queue === null
    if (queue === null) return
    const isIdle = printState(model) !== null && !isPrinting(model)
    const isPaused = queue.queue_state === 'paused'
    const hasJobs = queue.queued_jobs.length > 0
    const text = noteOf(queue, isIdle, mayAct(model))
    setText(this.#note, text)
    this.#note.hidden = text === ''
    this.#start.hidden = !hasJobs || !isIdle || !isPaused
    setText(this.#start, queue.plate_clear ? 'Start next' : 'Plate is clear: start next')
    this.#clear.hidden = hasJobs || queue.plate_clear || !isIdle
    this.#pause.hidden = !hasJobs || isPaused
    this.#buttons.hidden =
      !mayAct(model) || [this.#start, this.#clear, this.#pause].every(({ hidden }) => hidden)
    this.#renderJobs(queue, mayAct(model))
  }

  #renderJobs({ queued_jobs: jobs }: Queue, canRemove: boolean): void {
    const shown = [jobs, canRemove]
    if (shown.every((part, index) => part === this.#shown[index])) return
    this.#shown = shown
    const rows = jobs.slice(0, SHOWN).map(({ filename, job_id: id, note, time_added: time }) => {
      const remove = button(
        'Remove',
        () => this.#actions.run(client => client.call('server.job_queue.delete_job', { job_ids: [id] })),
        { class: 'small', 'aria-label': `Remove ${filename}` },
      )
      const facts = [note ?? '', `added ${ago(Date.now() / 1000 - time)}`]
        .filter(text => text !== '')
        .join(', ')
      return element(
        'li',
        {},
        element(
          'div',
          {},
          element('p', { class: 'name' }, filename),
          element('p', { class: 'faint' }, facts),
        ),
        ...(canRemove ? [remove] : []),
      )
    })
    const rest = jobs.length - rows.length
    this.#list.replaceChildren(
      ...rows,
      ...(rest > 0 ? [element('li', { class: 'faint' }, `and ${rest} more`)] : []),
    )
    this.#list.hidden = jobs.length === 0
  }
}

/** What the queue waits for, and what users can do about it. */
function noteOf(queue: Queue, isIdle: boolean, mayStart: boolean): string {
  const { queued_jobs: jobs, queue_state: state, pause_reason: reason, plate_clear: isClear } = queue
  if (reason !== null) return `Paused: ${reason}`
  if (state === 'loading' || state === 'starting') return 'The next job starts.'
  if (state === 'ready' && jobs.length > 0) return 'The next job starts when the print is complete.'
  if (jobs.length > 0 && mayStart && !isIdle) {
    return 'Start the next job here when the printer is idle and its plate is clear.'
  }
  if (jobs.length > 0) return mayStart && !isClear ? 'Remove the last print, then start the next job.' : ''
  const plate = isIdle && !isClear ? ' The plate was not confirmed as clear since the last print.' : ''
  return `No jobs wait.${plate}`
}
