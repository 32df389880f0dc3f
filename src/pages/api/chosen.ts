// The chosen method: its parameters and result, an editor for the parameters, and the reply to the last call.
import { button, byId, element, messageOf } from '../shared/dom.ts'
import type { Entry, Param } from './catalogue.ts'
import type { Answer, Link } from './link.ts'
import { sample, typeText } from './schema.ts'

/** Characters of a reply that are shown before the user requests all. */
const SHOWN = 50_000

/** Shows a method, ready to be called. */
export function showMethod(method: Entry, link: Link): void {
  const editor = new Editor(method)
  const reply = element('div', { class: 'reply', role: 'status' })
  const send = async () => {
    const params = editor.read()
    if (params === undefined) return
    const id = link.nextId
    const request = { jsonrpc: '2.0', method: method.name, ...(params !== null && { params }), id }
    sending.disabled = true
    reply.replaceChildren(element('p', { class: 'faint' }, 'Waiting for the reply…'))
    const parts = await link.call(method.name, params ?? undefined).then(partsOfReply, partsOfFailure)
    sending.disabled = false
    reply.replaceChildren(...parts, sentPart(request))
  }
  const sending = button('Send', send, { class: 'main', title: 'Ctrl+Enter' })
  editor.area.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    void send()
  })
  byId('chosen', HTMLElement).replaceChildren(
    ...headOf(method),
    ...tableOf(method.params, param => editor.add(param)),
    element('label', { for: 'params' }, 'params'),
    editor.area,
    editor.problem,
    element(
      'div',
      { class: 'row' },
      sending,
      button('Reset', () => editor.reset()),
      element('span', { class: 'faint' }, 'Ctrl+Enter sends'),
    ),
    reply,
    resultPart(method),
  )
}

/** Shows a notification; `filter` shows only those of its name. */
export function showNotification(notification: Entry, filter: () => void): void {
  byId('chosen', HTMLElement).replaceChildren(
    ...headOf(notification),
    ...tableOf(notification.params, null),
    element('p', {}, 'The server sends it without a request; params is a list with these in order.'),
    element('div', { class: 'row' }, button('Show only these', filter)),
  )
}

function headOf(entry: Entry): HTMLElement[] {
  const { name, summary, 'x-role': role, 'x-auth': auth, 'x-http': http, 'x-transports': over } = entry
  const facts = [
    ...(auth === false ? ['needs no login'] : []),
    ...(role === undefined ? [] : [`role ${role}`]),
    ...(over ?? []),
    ...(http ?? []),
  ]
  const badges = facts.map(fact => element('span', { class: 'badge' }, fact))
  return [element('h2', {}, name), element('p', {}, summary), element('div', { class: 'badges' }, ...badges)]
}

function tableOf(params: readonly Param[], add: ((param: Param) => void) | null): HTMLElement[] {
  if (params.length === 0) return []
  const rows = params.map(param => paramRow(param, add))
  return [element('table', { class: 'params' }, element('tbody', {}, ...rows))]
}

function paramRow(param: Param, add: ((param: Param) => void) | null): HTMLElement {
  const { name, required, schema, description } = param
  const fallback = 'default' in schema ? ` = ${JSON.stringify(schema.default)}` : ''
  const adding =
    add === null ? [] : [button('Add', () => add(param), { class: 'small', 'aria-label': `Add ${name}` })]
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, `${name}${required ? '' : '?'}`),
    element(
      'td',
      {},
      element('code', {}, `${typeText(schema)}${fallback}`),
      element('p', {}, description ?? ''),
    ),
    element('td', {}, ...adding),
  )
}

/** The parameters as JSON text that can be changed. */
class Editor {
  readonly area = element('textarea', { id: 'params', spellcheck: 'false', autocomplete: 'off' })
  readonly problem = element('p', { class: 'bad', role: 'alert' })
  readonly #first: object

  constructor({ params, examples }: Entry) {
    const example = examples?.[0]?.params.map(({ name, value }) => [name, value])
    const needed = params.filter(({ required }) => required).map(({ name, schema }) => [name, sample(schema)])
    this.#first = Object.fromEntries(example ?? needed) as object
    this.area.addEventListener('input', () => this.read())
    this.reset()
  }

  reset(): void {
    this.#write(this.#first)
  }

  #write(value: object): void {
    this.area.value = JSON.stringify(value, null, 2)
    this.area.rows = Math.min(16, Math.max(3, this.area.value.split('\n').length))
    this.problem.hidden = true
  }

  add({ name, schema }: Param): void {
    const value = this.read()
    if (value !== undefined) this.#write({ [name]: sample(schema), ...value })
  }

  /** The parameters; null for none at all, undefined if the text is not JSON. */
  read(): object | null | undefined {
    this.problem.hidden = true
    const text = this.area.value.trim()
    if (text === '') return null
    try {
      return JSON.parse(text) as object
    } catch (error) {
      this.problem.textContent = `This is not JSON: ${messageOf(error)}`
      this.problem.hidden = false
      return undefined
    }
  }
}

function partsOfFailure(error: unknown): HTMLElement[] {
  return [element('p', { class: 'bad' }, messageOf(error))]
}

function partsOfReply({ frame, text, took }: Answer): HTMLElement[] {
  const { error } = frame
  const size =
    text.length < 2048 ? `${text.length} characters` : `${Math.round(text.length / 1024)} k characters`
  const outcome = error === undefined ? 'Reply' : `Error ${error.code}`
  const facts = `${outcome} after ${took.toFixed(took < 10 ? 1 : 0)} ms, ${size}`
  const json = JSON.stringify(error ?? frame.result, null, 2)
  const shown = element('pre', { tabindex: '0', 'aria-label': 'Reply' }, json.slice(0, SHOWN))
  const parts = [element('p', { class: error === undefined ? 'good' : 'bad' }, facts), shown]
  if (json.length <= SHOWN) return parts
  const rest = button('Show all of it', () => {
    shown.textContent = json
    rest.remove()
  })
  return [...parts, rest]
}

function sentPart(request: object): HTMLElement {
  const text = element('pre', { class: 'wrapped' }, JSON.stringify(request))
  return element('details', {}, element('summary', {}, 'The request'), text)
}

function resultPart({ result }: Entry): HTMLElement {
  const type = element('pre', { class: 'wrapped' }, typeText(result?.schema))
  return element('details', { class: 'result' }, element('summary', {}, 'The type of the reply'), type)
}
