// What needs attention: the warnings of the server, and components that do not work.
import { button, element } from '../shared/dom.ts'
import { type Actions, confirmAction } from './actions.ts'
import { isPrinting, type Model, mayAct } from './model.ts'
import type { Panel } from './panel.ts'

export class NoticePanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #title = element('h2', { id: 'notices-title' })
  readonly #list = element('ul')
  readonly #buttons: HTMLElement
  #shown: Model['info'] = null

  constructor(actions: Actions) {
    this.#actions = actions
    const restart = button('Restart the server', () => this.#confirmRestart(), { class: 'small' })
    this.#buttons = element('div', { class: 'actions' }, restart)
    this.element = element(
      'section',
      { class: 'card notices', 'aria-labelledby': 'notices-title', hidden: '' },
      this.#title,
      this.#list,
      this.#buttons,
    )
  }

  render(model: Model): void {
    const { info, user } = model
    this.#buttons.hidden = !mayAct(model) || user?.role !== 'admin' || isPrinting(model)
    if (info === this.#shown) return
    this.#shown = info
    const { failed_components: failed = [], warnings = [] } = info ?? {}
    // Most components that fail have a warning with the reason.
    const others = failed.filter(name => !warnings.some(text => text.includes(`[${name}]`)))
    const texts = [
      ...warnings,
      ...others.map(name => `Component [${name}] does not work; the reason is in the log of the server.`),
    ]
    this.element.hidden = texts.length === 0
    this.#title.textContent =
      texts.length === 1 ? 'One thing needs attention' : `${texts.length} things need attention`
    this.#list.replaceChildren(...texts.map(text => element('li', { class: 'name' }, text)))
  }

  async #confirmRestart(): Promise<void> {
    const isConfirmed = await confirmAction({
      title: 'Restart the server?',
      text: 'It reads moonraker.conf again. Clients lose their connections for some seconds.',
      action: 'Restart the server',
    })
    if (isConfirmed) await this.#actions.run(client => client.call('server.restart'))
  }
}
