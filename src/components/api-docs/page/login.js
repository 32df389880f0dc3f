// The dialog to log in, by a name or by an API key. The page then reloads as the new user.
import { element } from './dom.js'
import { logIn, Refused, useKey } from './session.js'

/**
 * A dialog ready to be shown.
 * @param {string | null} reason
 * @returns {HTMLDialogElement}
 */
export function loginDialog(reason) {
  const problem = element('p', { class: 'bad', role: 'alert' })
  const name = field('User', { autocomplete: 'username' })
  const password = field('Password', { type: 'password', autocomplete: 'current-password' })
  const key = field('or API key', { autocomplete: 'off', spellcheck: 'false' })
  const title = element('h2', { id: 'login-title' }, 'Log in')
  return element(
    'dialog',
    { 'aria-labelledby': 'login-title' },
    title,
    element('p', { class: 'faint' }, reason ?? ''),
    form('Log in', problem, () => logIn(name.input.value, password.input.value), name, password),
    form('Use the key', problem, () => useKey(key.input.value.trim()), key),
    element('p', { class: 'faint' }, 'Kept in this tab until it is closed.'),
    problem,
  )
}

/**
 * @param {string} text
 * @param {Record<string, string>} attributes
 */
function field(text, attributes) {
  const input = element('input', { required: '', ...attributes })
  return { input, label: element('label', {}, text, input) }
}

/**
 * @param {string} action
 * @param {HTMLElement} problem
 * @param {() => Promise<void>} use
 * @param {{ label: HTMLElement }[]} fields
 */
function form(action, problem, use, ...fields) {
  const submit = element('button', { type: 'submit', class: 'main' }, action)
  const labels = fields.map(({ label }) => label)
  const made = element('form', { method: 'dialog' }, ...labels, element('div', { class: 'row' }, submit))
  made.addEventListener('submit', async event => {
    event.preventDefault()
    problem.textContent = ''
    submit.disabled = true
    try {
      await use()
      location.reload()
    } catch (error) {
      submit.disabled = false
      problem.textContent = error instanceof Refused ? error.message : 'The server does not answer'
    }
  })
  return made
}
