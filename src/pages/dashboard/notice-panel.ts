// What needs attention: the warnings of the server, and components that do not work.
import { element } from '../shared/dom.ts'
import type { Info, Model } from './model.ts'
import type { Panel } from './panel.ts'

export class NoticePanel implements Panel {
  readonly element: HTMLElement
  readonly #title = element('h2', { id: 'notices-title' })
  readonly #list = element('ul')
  #shown: Info | null = null

  constructor() {
    this.element = element(
      'section',
      { class: 'card notices', 'aria-labelledby': 'notices-title', hidden: '' },
      this.#title,
      this.#list,
    )
  }

  render({ info }: Model): void {
    if (info === this.#shown) return
    this.#shown = info
    const failed = (info?.failed_components ?? []).map(name =>
      element(
        'li',
        { class: 'bad' },
        element('b', { class: 'name' }, `[${name}] does not work. `),
        'The reason is a warning here, or in the log. Correct the section in moonraker.conf, and restart the server.',
      ),
    )
    const warnings = (info?.warnings ?? []).map(text => element('li', { class: 'name' }, text))
    const count = failed.length + warnings.length
    this.element.hidden = count === 0
    this.#title.textContent = count === 1 ? 'One thing needs attention' : `${count} things need attention`
    this.#list.replaceChildren(...failed, ...warnings)
  }
}
