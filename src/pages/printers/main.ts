// The page of a workshop: all printers as tiles.
import type { Tokens } from '../../client/index.ts'
import { byId, setText } from '../shared/dom.ts'
import { Page, showProblem } from './page.ts'
import type { PageSettings } from './settings.ts'
import { WorkshopSource } from './workshop-source.ts'

/** Logins are kept in this tab until it is closed. */
const store = {
  get: (place: string) => JSON.parse(sessionStorage.getItem(keyOf(place)) ?? 'null') as Tokens | null,
  set: (place: string, tokens: Tokens | null) => {
    if (tokens === null) sessionStorage.removeItem(keyOf(place))
    else sessionStorage.setItem(keyOf(place), JSON.stringify(tokens))
  },
}

function keyOf(place: string): string {
  return `moonraker-ts login /${place}`
}

async function open(): Promise<void> {
  const settings = (await (await fetch('settings.json')).json()) as PageSettings
  document.title = settings.title
  setText(byId('title', HTMLElement), settings.title)
  const page = new Page(new WorkshopSource(new URL('..', location.href).href, store))
  byId('login', HTMLElement).addEventListener('click', () => void page.start())
  await page.start()
}

open().catch((error: unknown) => showProblem(`The page cannot start: ${String(error)}; load it again.`))
