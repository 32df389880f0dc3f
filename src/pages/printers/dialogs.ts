// The dialogs: to confirm what cannot be taken back, and to log in.
import { button, element, messageOf } from '../shared/dom.ts'

/** A question. */
export interface Question {
  readonly title: string
  readonly text: string
  /** The text of the button that does it. */
  readonly action: string
}

/** Resolves with whether the person agrees. */
export function confirmed({ title, text, action }: Question): Promise<boolean> {
  const back = element('button', { type: 'submit', value: 'no' }, 'Back')
  const go = element('button', { type: 'submit', value: 'yes', class: 'danger' }, action)
  const dialog = element(
    'dialog',
    { 'aria-labelledby': 'question' },
    element('h2', { id: 'question' }, title),
    element('p', {}, text),
    element('form', { method: 'dialog', class: 'buttons' }, back, go),
  )
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    document.body.append(dialog)
    dialog.showModal()
    back.focus()
  })
}

/** Shows a form for name and password until `logIn` accepts them. Resolves with false if the person gives up. */
export function loggedIn(
  reason: string,
  logIn: (username: string, password: string) => Promise<void>,
): Promise<boolean> {
  const username = element('input', { required: '', autocomplete: 'username' })
  const password = element('input', { required: '', type: 'password', autocomplete: 'current-password' })
  const problem = element('p', { class: 'problem', role: 'alert' })
  const back = button('Back', () => dialog.close())
  const submit = element('button', { type: 'submit', class: 'main' }, 'Log in')
  const form = element(
    'form',
    {},
    element('label', {}, 'User', username),
    element('label', {}, 'Password', password),
    problem,
    element('div', { class: 'buttons' }, back, submit),
  )
  const dialog: HTMLDialogElement = element(
    'dialog',
    { 'aria-labelledby': 'login-title' },
    element('h2', { id: 'login-title' }, 'Log in'),
    element('p', {}, reason),
    form,
  )
  form.addEventListener('submit', async event => {
    event.preventDefault()
    problem.textContent = ''
    submit.disabled = true
    try {
      await logIn(username.value, password.value)
      dialog.close('done')
    } catch (error) {
      problem.textContent = messageOf(error)
    }
    submit.disabled = false
  })
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'done')
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
