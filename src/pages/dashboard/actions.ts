// What users do on the page: calls whose errors they see, and questions before what cannot be undone.
import type { Client } from '../../client/index.ts'
import { button, element, messageOf } from '../shared/dom.ts'

/** How long an error stays on the page, in milliseconds. */
const SHOWN = 8000

/** A question before an action. */
export interface Question {
  readonly title: string
  readonly text: string
  /** The text of the button that confirms it. */
  readonly action: string
}

/** Resolves with whether the user confirms. */
export function confirmAction({ title, text, action }: Question): Promise<boolean> {
  return new Promise(resolve => {
    const dialog: HTMLDialogElement = element(
      'dialog',
      { 'aria-labelledby': 'question-title' },
      element('h2', { id: 'question-title' }, title),
      element('p', { class: 'name' }, text),
      element(
        'div',
        { class: 'actions' },
        button(action, () => dialog.close('yes'), { class: 'danger' }),
        button('Back', () => dialog.close(), { autofocus: '' }),
      ),
    )
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}

/** Shows messages at the lower edge of the page. */
export class Actions {
  readonly element = element('div', { class: 'messages', role: 'alert' })
  readonly #client: () => Client

  /** `client` returns the connected client, and throws without a connection. */
  constructor(client: () => Client) {
    this.#client = client
  }

  /** The connected client. Throws without a connection. */
  get client(): Client {
    return this.#client()
  }

  /** Runs `action`; shows its error. Resolves with whether it succeeded. */
  async run(action: (client: Client) => Promise<unknown>): Promise<boolean> {
    try {
      await action(this.client)
      return true
    } catch (error) {
      this.show(messageOf(error))
      return false
    }
  }

  /** Shows a message for some seconds. */
  show(text: string): void {
    const message = element('p', { class: 'message' }, text)
    this.element.append(message)
    setTimeout(() => message.remove(), SHOWN)
  }
}
