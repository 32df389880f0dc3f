// The list of methods and notifications: search, arrow keys, and the choice of one by the address (#server.info).
import { byId, element } from '../shared/dom.ts'
import { nameIn } from './hash.ts'
import type { Schema } from './schema.ts'

export interface Param {
  readonly name: string
  readonly description?: string
  readonly required: boolean
  readonly schema: Schema
}

/** A method, or a notification, which has no result. */
export interface Entry {
  readonly name: string
  readonly summary: string
  readonly params: readonly Param[]
  readonly result?: { readonly schema: Schema }
  readonly examples?: readonly {
    readonly params: readonly { readonly name: string; readonly value: unknown }[]
  }[]
  readonly tags?: readonly { readonly $ref: string }[]
  readonly 'x-role'?: string
  readonly 'x-auth'?: boolean
  readonly 'x-transports'?: readonly string[]
  readonly 'x-http'?: readonly string[]
}

/** An OpenRPC document, as far as the page reads it. */
export interface OpenRpcDocument {
  readonly info: { readonly version: string }
  readonly methods: readonly Entry[]
  readonly 'x-notifications': readonly Entry[]
  readonly components: { readonly tags: Readonly<Record<string, { readonly name: string }>> }
}

/** Shows the list. `choose` receives each choice. */
export function showCatalogue(document: OpenRpcDocument, choose: (entry: Entry) => void): void {
  const search = byId('search', HTMLInputElement)
  const groups = groupsOf(document).map(([title, entries]) => new Group(title, entries))
  const rows = groups.flatMap(group => group.rows)
  byId('entries', HTMLElement).replaceChildren(...groups.map(({ section }) => section))
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const found = groups.reduce((sum, group) => sum + group.filter(words), 0)
    byId('found', HTMLElement).textContent = `${found} of ${rows.length}`
  }
  search.addEventListener('input', filter)
  filter()
  moveByKeys(search, groups)
  const named = (name: string) => rows.find(({ entry }) => entry.name === name)
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

/** The entries under their headings, in the order of the document. */
function groupsOf({
  methods,
  components,
  'x-notifications': notifications,
}: OpenRpcDocument): [string, readonly Entry[]][] {
  const groups = new Map<string, Entry[]>(Object.values(components.tags).map(({ name }) => [name, []]))
  for (const method of methods) {
    const key = method.tags?.[0]?.$ref.split('/').at(-1) ?? ''
    const title = components.tags[key]?.name ?? 'Others'
    groups.set(title, [...(groups.get(title) ?? []), method])
  }
  for (const entries of groups.values()) entries.sort((a, b) => a.name.localeCompare(b.name))
  return [...groups, ['Notifications', notifications]]
}

interface Row {
  readonly entry: Entry
  readonly row: HTMLElement
  readonly link: HTMLElement
  /** What the filter searches. */
  readonly words: string
}

/** A heading with the table below it. */
class Group {
  readonly rows: readonly Row[]
  readonly section: HTMLElement

  constructor(title: string, entries: readonly Entry[]) {
    this.rows = entries.map(rowOf)
    const table = element('table', {}, element('tbody', {}, ...this.rows.map(({ row }) => row)))
    this.section = element('section', {}, element('h2', {}, title), table)
  }

  /** Shows what has all words; returns how many rows those are. */
  filter(words: readonly string[]): number {
    for (const { row, words: own } of this.rows) row.hidden = !words.every(word => own.includes(word))
    const found = this.rows.filter(({ row }) => !row.hidden).length
    this.section.hidden = found === 0
    return found
  }
}

function rowOf(entry: Entry): Row {
  const { name, summary } = entry
  const link = element('a', { href: `#${encodeURIComponent(name)}` }, name)
  const row = element(
    'tr',
    {},
    element('td', {}, link, element('p', {}, summary)),
    element('td', { class: 'role' }, entry['x-auth'] === false ? 'none' : (entry['x-role'] ?? '')),
  )
  return { entry, row, link, words: `${name} ${summary}`.toLowerCase() }
}

/** `/` leads to the search, arrows from it through its results. */
function moveByKeys(search: HTMLInputElement, groups: readonly Group[]): void {
  document.addEventListener('keydown', event => {
    const isWriting = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
    if (event.key === '/' && !isWriting) {
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
