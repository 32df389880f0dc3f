// A page of many printers: a filter, tiles, and the orders that a person gives.
import { button, byId, element, messageOf, setText } from '../shared/dom.ts'
import { confirmed, loggedIn, type Question } from './dialogs.ts'
import { Grid } from './grid.ts'
import { GROUPS, Rows } from './rows.ts'
import { type Command, type FleetSource, type Following, LoginNeeded, type Row } from './source.ts'
import type { Choice } from './tile.ts'

export class Page {
  readonly #source: FleetSource
  readonly #rows = new Rows()
  readonly #grid: Grid
  #following: Following | null = null
  #group: string | null = null

  /** `choice` is there where a person may select printers. */
  constructor(source: FleetSource, choice?: Choice) {
    this.#source = source
    this.#grid = new Grid(byId('printers', HTMLElement), {
      command: (row, command) => void this.#command(row, command),
      visible: ids => this.#following?.show(ids),
      picture: id => source.picture(id),
      ...(choice !== undefined && { choice }),
    })
    byId('search', HTMLInputElement).addEventListener('input', () => this.show())
  }

  /** Loads the printers and follows them; shows the login as often as the source needs one. */
  async start(): Promise<void> {
    this.#following?.close()
    try {
      this.#rows.replace(await this.#source.printers())
    } catch (error) {
      if (!(error instanceof LoginNeeded)) throw error
      this.#announce(error.message)
      if (await this.#logIn(error)) await this.start()
      else byId('login', HTMLElement).hidden = false
      return
    }
    byId('login', HTMLElement).hidden = true
    this.#following = this.#source.follow({
      changed: change => {
        this.#rows.apply(change)
        this.show()
      },
      replaced: rows => {
        this.#rows.replace(rows)
        this.show()
      },
      connected: isConnected => {
        byId('lost', HTMLElement).hidden = isConnected
      },
    })
    this.show()
  }

  #logIn({ place, message }: LoginNeeded): Promise<boolean> {
    return loggedIn(message, (name, password) => this.#source.logIn(place, name, password))
  }

  /** Shows the rows that the filter leaves. */
  show(): void {
    this.#rows.filter = { text: byId('search', HTMLInputElement).value, group: this.#group }
    const { shown, size } = this.#rows
    this.#grid.show(shown, this.#rows.hasCameras)
    this.#announce(shown.length === size ? `${size} printers` : `${shown.length} of ${size} printers`)
    byId('none', HTMLElement).hidden = shown.length > 0
    this.#showGroups()
  }

  /** A row by its id. */
  rowOf(id: string): Row | undefined {
    return this.#rows.get(id)
  }

  /** The ids of the rows that the filter leaves. */
  get shownIds(): string[] {
    return this.#rows.shown.map(({ id }) => id)
  }

  #showGroups(): void {
    const counts = this.#rows.counts()
    const list = byId('groups', HTMLElement)
    const groups = [null, ...Object.keys(GROUPS)]
    while (list.children.length < groups.length) {
      const group = groups[list.children.length] as string | null
      const choose = () => {
        this.#group = group
        this.show()
      }
      list.append(button('', choose, { class: 'small' }))
    }
    for (const [index, group] of groups.entries()) {
      const chooser = list.children[index] as HTMLButtonElement
      setText(chooser, `${group ?? 'All'} ${group === null ? this.#rows.size : counts.get(group)}`)
      chooser.setAttribute('aria-pressed', String(group === this.#group))
    }
  }

  /** Shows what the page contains; screen readers read it. */
  #announce(text: string): void {
    setText(byId('status', HTMLElement), text)
  }

  async #command(row: Row, command: Command): Promise<void> {
    const question = questionFor(row, command)
    if (question !== null && !(await confirmed(question))) return
    await this.#carryOut(row, command)
  }

  async #carryOut({ id, name }: Row, command: Command): Promise<void> {
    try {
      await this.#source.command(id, command)
    } catch (error) {
      if (error instanceof LoginNeeded) {
        const row = this.#rows.get(id)
        if (row !== undefined && (await this.#logIn(error))) await this.#carryOut(row, command)
        return
      }
      showProblem(`${name}: ${messageOf(error)}`)
    }
  }
}

/** The question before a command that cannot be undone; null for the others. */
function questionFor({ name, print }: Row, command: Command): Question | null {
  if (command === 'cancel') {
    const text = `The print of ${print?.filename ?? 'a file'} ends and cannot be continued.`
    return { title: `Cancel the print of ${name}?`, text, action: 'Cancel the print' }
  }
  if (command === 'emergency_stop') {
    const text = 'Heaters and motors go off at once. Klipper must be restarted afterwards.'
    return { title: `Emergency stop of ${name}?`, text, action: 'Stop now' }
  }
  return null
}

/** Shows what went wrong until the person closes it. */
export function showProblem(text: string): void {
  const shown = element('p', { class: 'notice', role: 'alert' }, text)
  shown.append(button('Close', () => shown.remove(), { class: 'small' }))
  byId('notices', HTMLElement).replaceChildren(shown)
}
