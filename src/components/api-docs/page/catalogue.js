// The list of methods and notifications: search, arrow keys, and the choice of one by the address (#server.info).
import { byId, element } from './dom.js'

/** @import { Schema } from './schema.js' */

/**
 * @typedef {{ name: string, description?: string, required: boolean, schema: Schema }} Param
 * @typedef {{ name: string, params: { name: string, value: unknown }[] }} Example
 * A method, or a notification, which has no result.
 * @typedef {{ name: string, summary: string, params: Param[], result?: { schema: Schema }, examples?: Example[],
 *   tags?: { $ref: string }[], 'x-role'?: string, 'x-auth'?: boolean, 'x-transports'?: string[], 'x-http'?: string[] }} Entry
 * An OpenRPC document, as far as the page reads it.
 * @typedef {{ info: { version: string }, methods: Entry[], 'x-notifications': Entry[],
 *   components: { tags: Record<string, { name: string, description?: string }> } }} Document
 */

/**
 * Shows the list. `choose` receives each choice.
 * @param {Document} document
 * @param {(entry: Entry) => void} choose
 */
export function showCatalogue(document, choose) {
  const search = byId('search', HTMLInputElement)
  const groups = groupsOf(document).map(group => new Group(...group))
  byId('entries', HTMLElement).replaceChildren(...groups.map(({ section }) => section))
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const found = groups.reduce((sum, group) => sum + group.filter(words), 0)
    byId('found', HTMLElement).textContent =
      `${found} of ${groups.reduce((sum, { rows }) => sum + rows.length, 0)}`
  }
  search.addEventListener('input', filter)
  filter()
  moveByKeys(search, groups)
  const rows = groups.flatMap(group => group.rows)
  const named = (/** @type {string} */ name) => rows.find(({ entry }) => entry.name === name)
  const follow = () => {
    const chosen = named(nameIn(location.hash)) ?? named('server.info')
    for (const { row } of rows) row.removeAttribute('aria-current')
    if (chosen === undefined) return
    chosen.row.setAttribute('aria-current', 'true')
    chosen.row.scrollIntoView({ block: 'nearest' })
    choose(chosen.entry)
  }
  addEventListener('hashchange', follow)
  follow()
}

/**
 * The name in the part of an address behind `#`, which people type too.
 * @param {string} hash
 * @returns {string}
 */
export function nameIn(hash) {
  try {
    return decodeURIComponent(hash.slice(1))
  } catch {
    return ''
  }
}

/**
 * The entries under their headings.
 * @param {Document} document
 * @returns {[string, Entry[]][]}
 */
function groupsOf({ methods, components, 'x-notifications': notifications }) {
  /** @type {Map<string, Entry[]>} In the order of the document. */
  const groups = new Map(Object.values(components.tags).map(({ name }) => [name, []]))
  for (const method of methods) {
    const key = method.tags?.[0]?.$ref.split('/').at(-1) ?? ''
    const title = components.tags[key]?.name ?? 'Others'
    groups.set(title, [...(groups.get(title) ?? []), method])
  }
  for (const entries of groups.values()) entries.sort((a, b) => a.name.localeCompare(b.name))
  return [...groups, ['Notifications', notifications]]
}

/** A heading with the table below it. */
class Group {
  /**
   * @param {string} title
   * @param {Entry[]} entries
   */
  constructor(title, entries) {
    this.rows = entries.map(entry => {
      const link = element('a', { href: `#${encodeURIComponent(entry.name)}` }, entry.name)
      const row = element(
        'tr',
        {},
        element('td', {}, link, element('p', {}, entry.summary)),
        element('td', { class: 'role' }, entry['x-auth'] === false ? 'none' : (entry['x-role'] ?? '')),
      )
      return { entry, row, link, words: `${entry.name} ${entry.summary}`.toLowerCase() }
    })
    const table = element('table', {}, element('tbody', {}, ...this.rows.map(({ row }) => row)))
    this.section = element('section', { 'aria-label': title }, element('h3', {}, title), table)
  }

  /**
   * Shows what has all words; gives how many those are.
   * @param {string[]} words
   */
  filter(words) {
    for (const { row, words: own } of this.rows) row.hidden = !words.every(word => own.includes(word))
    const found = this.rows.filter(({ row }) => !row.hidden).length
    this.section.hidden = found === 0
    return found
  }
}

/**
 * `/` leads to the search, the arrows from it through what it found.
 * @param {HTMLInputElement} search
 * @param {Group[]} groups
 */
function moveByKeys(search, groups) {
  document.addEventListener('keydown', event => {
    const writes = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
    if (event.key === '/' && !writes) {
      event.preventDefault()
      search.select()
      return
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const links = groups.flatMap(({ rows }) => rows.filter(({ row }) => !row.hidden).map(({ link }) => link))
    const at = links.findIndex(link => link.matches(':focus'))
    if (step === undefined || (at === -1 && document.activeElement !== search)) return
    event.preventDefault()
    const next = at + step
    if (next < 0) search.select()
    else links[next]?.focus()
  })
}
