// The head and the foot of the page: name and state of the printer, the user, and the emergency stop.
import { button, byId, element, setText } from '../shared/dom.ts'
import { percent } from '../shared/format.ts'
import { printerWord, type Word } from '../shared/words.ts'
import { type Actions, confirmAction } from './actions.ts'
import { holdButton } from './hold-button.ts'
import { timesOf } from './job-facts.ts'
import type { Live } from './live.ts'
import { isPrinting, type Model, mayAct, printState } from './model.ts'

/** Users of trusted addresses and of API keys: they have not logged in. */
const ANONYMOUS = ['_TRUSTED_USER_', '_API_KEY_USER_']

export class Head {
  readonly #actions: Actions
  readonly #title = byId('title', HTMLElement)
  readonly #state = byId('state', HTMLElement)
  readonly #banner = byId('banner', HTMLElement)
  readonly #foot = byId('foot', HTMLElement)
  readonly #user = element('span', { class: 'user faint name' })
  readonly #logIn: HTMLButtonElement
  readonly #logOut: HTMLButtonElement
  readonly #stop: HTMLButtonElement

  constructor(live: Live, actions: Actions) {
    this.#actions = actions
    this.#logIn = button('Log in', () => live.requestLogin(), { class: 'small' })
    this.#logOut = button('Log out', () => live.logOut(), { class: 'small' })
    this.#stop = holdButton({
      text: 'Emergency stop',
      hint: 'Hold for a second',
      held: () => void this.#stopPrinter(),
      clicked: () => void this.#confirmStop(),
    })
    byId('top-actions', HTMLElement).append(this.#user, this.#logIn, this.#logOut, this.#stop)
  }

  render(model: Model): void {
    const { connection, info, printer, about } = model
    const name = printer?.hostname ?? location.hostname
    setText(this.#title, name)
    const { text, tone } = wordOf(model)
    setText(this.#state, text)
    this.#state.className = `state ${tone}`
    const progress = isPrinting(model) ? `${percent(timesOf(model).progress)} ` : ''
    document.title = `${progress}${text} – ${name}`
    this.#banner.hidden = connection !== 'lost'
    setText(this.#banner, connection === 'lost' ? 'The server does not respond. Reconnecting…' : '')
    this.#stop.hidden = !mayAct(model) || !['ready', 'startup'].includes(info?.klippy_state ?? '')
    this.#renderUser(model)
    const api = `API ${info?.api_version_string ?? ''}, as Moonraker ${info?.moonraker_version ?? ''}`
    setText(this.#foot, about === null ? '' : `moonraker-ts ${about.version} · ${api}`)
  }

  #renderUser({ user, connection }: Model): void {
    const [name = ''] = user?.username.split('/') ?? []
    const isAnonymous = ANONYMOUS.includes(name)
    const role = user === null || user.role === 'admin' ? '' : user.role
    setText(this.#user, [isAnonymous ? '' : name, role].filter(text => text !== '').join(', '))
    this.#user.hidden = this.#user.textContent === ''
    // An admin has all rights without a login.
    this.#logIn.hidden = connection !== 'open' || !isAnonymous || role === ''
    this.#logOut.hidden = user === null || isAnonymous
  }

  #stopPrinter(): Promise<boolean> {
    return this.#actions.run(client => client.call('printer.emergency_stop'))
  }

  async #confirmStop(): Promise<void> {
    const isConfirmed = await confirmAction({
      title: 'Stop the printer at once?',
      text: 'Heaters and motors are switched off, and Klipper must be restarted.',
      action: 'Emergency stop',
    })
    if (isConfirmed) await this.#stopPrinter()
  }
}

/** The state in the head of the page. */
function wordOf(model: Model): Word {
  const { connection, info } = model
  if (connection === 'refused') return { text: 'Not logged in', tone: 'idle' }
  if (connection === 'lost') return { text: 'No connection', tone: 'bad' }
  if (info === null) return { text: 'Connecting', tone: 'idle' }
  return printerWord(info.klippy_state, printState(model))
}
