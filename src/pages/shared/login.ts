// The form to log in with a name and a password, as a dialog of the page.
import { CallError, Login } from '../../client/index.ts'
import { storeTokens } from './credentials.ts'
import { button, element, messageOf } from './dom.ts'

/** How the dialog is shown. */
export interface LoginOptions {
  /** The address of the API. */
  readonly url: string
  /** Why a login is needed; left out if the user requested the dialog, who then may cancel it. */
  readonly reason?: string
}

/** Shows the dialog. Resolves with true once the user has logged in, with false if the user cancels. */
export function showLogin({ url, reason }: LoginOptions): Promise<boolean> {
  const name = element('input', { id: 'login-name', autocomplete: 'username', required: '' })
  const secret = element('input', {
    id: 'login-password',
    type: 'password',
    autocomplete: 'current-password',
    required: '',
  })
  const remember = element('input', { id: 'login-remember', type: 'checkbox' })
  const problem = element('p', { class: 'problem', role: 'alert' })
  const submit = element('button', { type: 'submit', class: 'main' }, 'Log in')
  const cancel = button('Cancel', () => dialog.close())
  cancel.hidden = reason !== undefined
  const form = element(
    'form',
    { method: 'dialog' },
    element('label', { for: name.id }, 'User name'),
    name,
    element('label', { for: secret.id }, 'Password'),
    secret,
    element('label', { class: 'choice' }, remember, 'Stay logged in on this device'),
    problem,
    element('div', { class: 'actions' }, submit, cancel),
  )
  const dialog: HTMLDialogElement = element(
    'dialog',
    { class: 'login', 'aria-labelledby': 'login-title' },
    element('h2', { id: 'login-title' }, 'Log in'),
    element('p', { class: 'faint' }, reason ?? 'Users are those of this server.'),
    form,
  )
  return new Promise(resolve => {
    let done = false
    form.addEventListener('submit', event => {
      event.preventDefault()
      problem.textContent = ''
      submit.disabled = true
      const onTokens = (tokens: Parameters<typeof storeTokens>[0] | null) => {
        if (tokens !== null) storeTokens(tokens, remember.checked)
      }
      new Login({ url, username: name.value, password: secret.value, onTokens }).token().then(
        () => {
          done = true
          dialog.close()
        },
        error => {
          submit.disabled = false
          problem.textContent = error instanceof CallError ? messageOf(error) : 'The server does not respond.'
          secret.select()
        },
      )
    })
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
