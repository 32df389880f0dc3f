// The list of jobs: the newest ones, with what a person can do with each.
import type { FleetJob } from '../../api/fleet.ts'
import { confirmed } from '../printers/dialogs.ts'
import { button, element } from '../shared/dom.ts'
import type { HubSource } from './fleet-source.ts'

/** Milliseconds between two readings of the list. */
const PERIOD = 3000
const SHOWN = 100

const WORDS: Readonly<Record<FleetJob['state'], string>> = {
  queued: 'Waits for a printer',
  offered: 'Offered',
  accepted: 'Accepted',
  printing: 'Printing',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  held: 'Held: look at it',
}

type Action = 'cancel' | 'hold' | 'release' | 'abandon'

/** What can be done with a job in a state. */
const ACTIONS: Readonly<Record<FleetJob['state'], readonly Action[]>> = {
  queued: ['hold', 'cancel'],
  offered: ['cancel'],
  accepted: ['cancel', 'abandon'],
  printing: ['cancel', 'abandon'],
  done: [],
  failed: ['hold'],
  cancelled: [],
  held: ['release', 'cancel', 'abandon'],
}

const TEXTS: Readonly<Record<Action, string>> = {
  cancel: 'Cancel',
  hold: 'Hold',
  release: 'Release',
  abandon: 'Give up on the printer',
}

function wordsFor({ state, why, extra }: FleetJob): string {
  const text = why === null ? WORDS[state] : `${WORDS[state]} (${why})`
  return extra.length === 0 ? text : `${text}; ${extra.length} more printed`
}

/** What the list needs of the page. */
export interface JobsPage {
  readonly source: HubSource
  readonly nameOf: (printer: string) => string
  readonly report: (error: unknown) => void
}

export class JobList {
  readonly #root: HTMLElement
  readonly #page: JobsPage
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(root: HTMLElement, page: JobsPage) {
    this.#root = root
    this.#page = page
  }

  /** Shows the list, or hides it. */
  toggle(): boolean {
    const isShown = this.#root.hidden !== false
    this.#root.hidden = !isShown
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = isShown ? setInterval(() => void this.refresh(), PERIOD) : null
    if (isShown) void this.refresh()
    return isShown
  }

  async refresh(): Promise<void> {
    if (this.#root.hidden || document.hidden) return
    try {
      const { jobs } = await this.#page.source.use(fleet => fleet.call('fleet.jobs.list', { limit: SHOWN }))
      this.#show(jobs)
    } catch (error) {
      this.#page.report(error)
    }
  }

  #show(jobs: readonly FleetJob[]): void {
    const heads = ['File', 'State', 'Printer', 'Ordered by', ''].map(text =>
      element('th', { scope: 'col' }, text),
    )
    const rows = jobs.map(job => {
      const { file, printer, by } = job
      const buttons = ACTIONS[job.state].map(action =>
        button(TEXTS[action], () => this.#act(job, action), {
          class: 'small',
          'aria-label': `${TEXTS[action]}: ${file.name}`,
        }),
      )
      return element(
        'tr',
        {},
        element('td', {}, file.name),
        element('td', {}, wordsFor(job)),
        element('td', {}, printer === null ? '' : this.#page.nameOf(printer)),
        element('td', {}, by ?? ''),
        element('td', {}, element('div', { class: 'buttons' }, ...buttons)),
      )
    })
    const table = element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...rows),
    )
    // A person may be about to press a button of the list.
    if (this.#root.contains(document.activeElement) && this.#root.childElementCount > 0) return
    this.#root.replaceChildren(jobs.length === 0 ? element('p', {}, 'No jobs yet.') : table)
  }

  async #act({ id, file }: FleetJob, action: Action): Promise<void> {
    const isAgreed =
      action === 'hold' ||
      action === 'release' ||
      (await confirmed({
        title: `${TEXTS[action]}: ${file.name}?`,
        text:
          action === 'cancel'
            ? 'A printer that prints it stops.'
            : 'If the printer prints it after all, that is an extra copy.',
        action: TEXTS[action],
      }))
    if (!isAgreed) return
    try {
      await this.#page.source.use(fleet => fleet[action](id))
    } catch (error) {
      this.#page.report(error)
    }
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    await this.refresh()
  }
}
