// The dialog to log in: with a name and a password, or with an API key where the page accepts one.
import { CallError, Login } from '../../client/index.ts'
import { storeTokens } from './credentials.ts'
import { button, type Child, element, messageOf } from './dom.ts'

/** How the dialog is shown. */
export interface LoginOptions {
  /** The address of the API. */
  readonly url: string
  /** Why a login is needed; left out if the user requested the dialog, who then may cancel it. */
  readonly reason?: string
  /** Uses an API key, and rejects with CallError for a wrong one. Without it the dialog has no field for one. */
  readonly useKey?: (key: string) => Promise<void>
}

/** A form of the dialog. */
interface Form {
  /** The text of its button. */
  readonly action: string
  readonly fields: readonly Child[]
  readonly submit: () => Promise<unknown>
}

/** Shows the dialog. Resolves with true once the user has logged in, with false if the user cancels. */
export function showLogin({ url, reason, useKey }: LoginOptions): Promise<boolean> {
  const dialog = element('dialog', { class: 'login', 'aria-labelledby': 'login-title' })
  return new Promise(resolve => {
    let done = false
    const finish = () => {
      done = true
      dialog.close()
    }
    const cancel = button('Cancel', () => dialog.close())
    cancel.hidden = reason !== undefined
    dialog.append(
      element('h2', { id: 'login-title' }, 'Log in'),
      element('p', { class: 'faint' }, reason ?? 'Users are those of this server.'),
      formOf(passwordForm(url), finish, cancel),
      ...(useKey === undefined ? [] : [formOf(keyForm(useKey), finish)]),
    )
    // Without a login there is nothing to return to.
    dialog.addEventListener('cancel', event => {
      if (reason !== undefined) event.preventDefault()
    })
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(done)
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}

function passwordForm(url: string): Form {
  const name = element('input', { id: 'login-name', autocomplete: 'username', required: '' })
  const password = element('input', {
    id: 'login-password',
    type: 'password',
    autocomplete: 'current-password',
    required: '',
  })
  const remember = element('input', { id: 'login-remember', type: 'checkbox' })
  return {
    action: 'Log in',
    fields: [
      element('label', { for: name.id }, 'User name'),
      name,
      element('label', { for: password.id }, 'Password'),
      password,
      element('label', { class: 'choice' }, remember, 'Stay logged in on this device'),
    ],
    submit() {
      const onTokens = (tokens: Parameters<typeof storeTokens>[0] | null) => {
        if (tokens !== null) storeTokens(tokens, remember.checked)
      }
      return new Login({ url, username: name.value, password: password.value, onTokens }).token()
    },
  }
}

function keyForm(useKey: (key: string) => Promise<void>): Form {
  const key = element('input', { id: 'login-key', autocomplete: 'off', spellcheck: 'false', required: '' })
  const label = element('label', { for: key.id }, 'Or an API key, kept until the tab is closed')
  return { action: 'Use the key', fields: [label, key], submit: () => useKey(key.value.trim()) }
}

/** A form; `finish` is called once it has succeeded. */
function formOf({ action, fields, submit }: Form, finish: () => void, ...further: Child[]): HTMLElement {
  const problem = element('p', { class: 'problem', role: 'alert' })
  const submitting = element('button', { type: 'submit', class: 'main' }, action)
  const actions = element('div', { class: 'actions' }, submitting, ...further)
  const form = element('form', { method: 'dialog' }, ...fields, problem, actions)
  form.addEventListener('submit', event => {
    event.preventDefault()
    problem.textContent = ''
    submitting.disabled = true
    submit().then(finish, (error: unknown) => {
      submitting.disabled = false
      problem.textContent = error instanceof CallError ? messageOf(error) : 'The server does not respond.'
      fields.findLast(field => field instanceof HTMLInputElement)?.select()
    })
  })
  return form
}
