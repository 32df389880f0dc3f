// The script of the documents: the search, and the keyboard in tables and programs that are wider than the page.
import { byId, element } from '../shared/dom.ts'
import { excerptOf, findSections, type Section, wordsOf } from './search.ts'

/** Results that are shown. */
const SHOWN = 20

declare global {
  /** Set by search-index.js. */
  var guideSections: readonly Section[] | undefined
}

/** The folder of the site. */
const SITE = new URL('.', (document.currentScript as HTMLScriptElement).src)

/** Loads the texts at the first search. A script, since a browser fetches nothing for a page that is on a disk. */
function loadSections(): Promise<readonly Section[]> {
  return new Promise((resolve, reject) => {
    const script = element('script', { src: new URL('search-index.js', SITE).href })
    script.addEventListener('load', () => resolve(globalThis.guideSections ?? []))
    script.addEventListener('error', () => reject(new Error('The texts cannot be loaded: reload the page.')))
    document.head.append(script)
  })
}

class Search {
  readonly #field = byId('words', HTMLInputElement)
  readonly #found = byId('found', HTMLElement)
  readonly #count = byId('count', HTMLElement)
  readonly #results = byId('results', HTMLElement)
  #sections: Promise<readonly Section[]> | undefined

  constructor() {
    byId('search', HTMLElement).hidden = false
    this.#field.addEventListener('input', () => void this.#search())
    // A result may be on this page.
    this.#results.addEventListener('click', () => {
      this.#found.hidden = true
    })
    document.addEventListener('keydown', event => this.#press(event))
  }

  async #search(): Promise<void> {
    const text = this.#field.value
    this.#sections ??= loadSections()
    try {
      const sections = await this.#sections
      // The text may have changed meanwhile.
      if (this.#field.value === text) this.#show(sections, wordsOf(text))
    } catch (error) {
      this.#sections = undefined
      this.#found.hidden = false
      this.#count.textContent = String(error)
    }
  }

  #show(sections: readonly Section[], words: readonly string[]): void {
    const found = findSections(sections, words)
    this.#found.hidden = words.length === 0
    const [noun, shown] = [found.length === 1 ? 'section' : 'sections', found.slice(0, SHOWN)]
    const first = found.length > SHOWN ? `, the first ${SHOWN}` : ''
    this.#count.textContent = found.length === 0 ? 'Nothing found' : `${found.length} ${noun}${first}`
    this.#results.replaceChildren(...shown.map(section => resultOf(section, words)))
  }

  /** `/` leads to the search, Enter to its first result, arrows through the results, and Escape closes them. */
  #press(event: KeyboardEvent): void {
    const links = [...this.#results.querySelectorAll('a')]
    const isInField = document.activeElement === this.#field
    const at = links.indexOf(document.activeElement as HTMLAnchorElement)
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0
    if (event.key === '/' && !(event.target instanceof HTMLInputElement)) this.#field.select()
    else if (event.key === 'Enter' && isInField) links[0]?.click()
    else if (event.key === 'Escape' && !this.#found.hidden) this.#close()
    else if (step !== 0 && (isInField || at !== -1)) (links[at + step] ?? this.#field).focus()
    else return
    event.preventDefault()
  }

  #close(): void {
    this.#field.value = ''
    this.#found.hidden = true
    this.#field.focus()
  }
}

function resultOf({ page, title, heading, anchor, text }: Section, words: readonly string[]): HTMLElement {
  const url = new URL(page, SITE)
  url.hash = anchor
  const name = heading === '' ? title : `${title}: ${heading}`
  const parts = excerptOf(text, words).map(part =>
    part.isMatch ? element('mark', {}, part.text) : part.text,
  )
  return element('li', {}, element('a', { href: url.href }, name), element('p', { class: 'faint' }, ...parts))
}

/** What is wider than the page can be reached, and then scrolled, with the keyboard. */
function followWidths(): void {
  const boxes = [...document.querySelectorAll<HTMLElement>('.table, pre')]
  const update = ({ target }: { readonly target: Element }) => {
    if (target.scrollWidth > target.clientWidth) target.setAttribute('tabindex', '0')
    else target.removeAttribute('tabindex')
  }
  const observer = new ResizeObserver(entries => entries.forEach(update))
  for (const box of boxes) observer.observe(box)
}

/** On a wide screen the sections of the page are next to it, and open. */
function followScreen(): void {
  const sections = document.getElementById('sections')
  const wide = matchMedia('(min-width: 80rem)')
  const update = () => sections?.toggleAttribute('open', wide.matches)
  wide.addEventListener('change', update)
  update()
}

/** Scrolls the menu to the entry of this page, where it is open. */
function showCurrent(): void {
  const menu = byId('menu', HTMLElement)
  const current = menu.querySelector<HTMLElement>('[aria-current]')
  const update = () => {
    menu.scrollTop = (current?.offsetTop ?? 0) - menu.clientHeight / 2
  }
  menu.addEventListener('toggle', update)
  update()
}

new Search()
showCurrent()
followWidths()
followScreen()
