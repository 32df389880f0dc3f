// The chosen method: what it takes and answers, an editor for its parameters, and what came of the last call.
import { button, byId, element, messageOf } from './dom.js'
import { sample, typeText } from './schema.js'

/**
 * @import { Entry, Param } from './catalogue.js'
 * @import { Answer, Link } from './link.js'
 */

/** Characters of a reply that are shown before the user requests all. */
const SHOWN = 50_000

/**
 * Shows a method, ready to be called.
 * @param {Entry} method
 * @param {Link} link
 */
export function showMethod(method, link) {
  const editor = new Editor(method)
  const reply = element('div', { class: 'reply', role: 'status' })
  const send = async () => {
    const params = editor.read()
    if (params === undefined) return
    const request = {
      jsonrpc: '2.0',
      method: method.name,
      ...(params !== null && { params }),
      id: link.nextId,
    }
    sending.disabled = true
    reply.replaceChildren(element('p', { class: 'faint' }, 'Waiting for the answer…'))
    const answer = await link.call(method.name, params ?? undefined).catch(error => error)
    sending.disabled = false
    reply.replaceChildren(
      ...(answer instanceof Error ? [refusal(answer)] : answerOf(answer)),
      sentPart(request),
    )
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
      hint('Ctrl+Enter sends'),
    ),
    reply,
    resultPart(method),
  )
}

/**
 * Shows a notification; `filter` shows only those of its name.
 * @param {Entry} notification
 * @param {() => void} filter
 */
export function showNotification(notification, filter) {
  byId('chosen', HTMLElement).replaceChildren(
    ...headOf(notification),
    ...tableOf(notification.params, null),
    element('p', {}, 'The server sends it by itself; params is a list with these in order.'),
    element('div', { class: 'row' }, button('Show only these', filter)),
  )
}

/** @param {Entry} entry */
function headOf({
  name,
  summary,
  'x-role': role,
  'x-auth': auth,
  'x-http': http = [],
  'x-transports': over = [],
}) {
  const facts = [
    ...(auth === false ? ['needs no login'] : []),
    ...(role === undefined ? [] : [`role ${role}`]),
    ...over,
    ...http,
  ]
  const badges = facts.map(fact => element('span', { class: 'badge' }, fact))
  return [element('h2', {}, name), element('p', {}, summary), element('div', { class: 'badges' }, ...badges)]
}

/**
 * @param {Param[]} params
 * @param {((param: Param) => void) | null} add
 */
function tableOf(params, add) {
  if (params.length === 0) return []
  const rows = params.map(param => {
    const { name, required, schema, description } = param
    const fallback = 'default' in schema ? ` = ${JSON.stringify(schema.default)}` : ''
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
      element(
        'td',
        {},
        ...(add === null ? [] : [button('Add', () => add(param), { 'aria-label': `Add ${name}` })]),
      ),
    )
  })
  return [element('table', { class: 'params' }, element('tbody', {}, ...rows))]
}

/** The parameters as JSON text that can be altered. */
class Editor {
  /** @param {Entry} method */
  constructor({ params, examples }) {
    const example = examples?.[0]?.params.map(({ name, value }) => [name, value])
    const needed = params.filter(({ required }) => required).map(({ name, schema }) => [name, sample(schema)])
    this.first = Object.fromEntries(example ?? needed)
    this.area = element('textarea', { id: 'params', spellcheck: 'false', autocomplete: 'off' })
    this.problem = element('p', { class: 'bad', role: 'alert' })
    this.area.addEventListener('input', () => this.read())
    this.reset()
  }

  reset() {
    this.write(this.first)
  }

  /** @param {object} value */
  write(value) {
    this.area.value = JSON.stringify(value, null, 2)
    this.area.rows = Math.min(16, Math.max(3, this.area.value.split('\n').length))
    this.problem.hidden = true
  }

  /** @param {Param} param */
  add({ name, schema }) {
    const value = this.read()
    if (value !== undefined) this.write({ [name]: sample(schema), ...value })
  }

  /**
   * The parameters; null for none at all, undefined where the text is not JSON.
   * @returns {object | null | undefined}
   */
  read() {
    this.problem.hidden = true
    const text = this.area.value.trim()
    if (text === '') return null
    try {
      return JSON.parse(text)
    } catch (error) {
      this.problem.textContent = `This is not JSON: ${messageOf(error)}`
      this.problem.hidden = false
      return undefined
    }
  }
}

/** @param {Error} error */
function refusal({ message }) {
  return element('p', { class: 'bad' }, message)
}

/** @param {Answer} answer */
function answerOf({ frame, text, took }) {
  const { error } = frame
  const size =
    text.length < 2048 ? `${text.length} characters` : `${Math.round(text.length / 1024)} k characters`
  const facts = `${error === undefined ? 'Answered' : `Error ${error.code}`} after ${took.toFixed(took < 10 ? 1 : 0)} ms, ${size}`
  const json = JSON.stringify(error ?? frame.result, null, 2)
  const shown = element('pre', { tabindex: '0', 'aria-label': 'Answer' }, json.slice(0, SHOWN))
  const parts = [element('p', { class: error === undefined ? 'good' : 'bad' }, facts), shown]
  if (json.length <= SHOWN) return parts
  const rest = button('Show all of it', () => {
    shown.textContent = json
    rest.remove()
  })
  return [...parts, rest]
}

/** @param {object} request */
function sentPart(request) {
  const text = JSON.stringify(request)
  return element(
    'details',
    {},
    element('summary', {}, 'What was sent'),
    element('pre', { class: 'wrapped' }, text),
  )
}

/** @param {Entry} method */
function resultPart({ result }) {
  const type = element('pre', { class: 'wrapped' }, typeText(result?.schema))
  return element('details', { class: 'result' }, element('summary', {}, 'What it answers'), type)
}

/** @param {string} text */
function hint(text) {
  return element('span', { class: 'faint' }, text)
}
