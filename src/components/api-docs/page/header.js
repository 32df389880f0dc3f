// The bar of every page: the current user, and the login.
import { byId, messageOf } from './dom.js'
import { loginDialog } from './login.js'
import { credentials, forget, get, Refused } from './session.js'

/** Users that have no name of their own. */
const NAMES = new Map([
  ['_TRUSTED_USER_', 'trusted address'],
  ['_API_KEY_USER_', 'API key'],
])

/** @param {string | null} reason */
function openLogin(reason) {
  if (document.querySelector('dialog[open]') !== null) return
  const dialog = loginDialog(reason)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}

async function showUser() {
  const who = byId('who', HTMLElement)
  try {
    const { username, role } = await get('access/user')
    who.textContent = `${NAMES.get(username) ?? username} (${role})`
  } catch (error) {
    who.textContent = error instanceof Refused ? 'not logged in' : 'the server does not answer'
  }
  // A login that has ended is forgotten by now.
  const known = credentials() !== null
  byId('log-in', HTMLElement).hidden = known
  byId('log-out', HTMLElement).hidden = !known
}

/**
 * Shows why the page cannot go on; if a login is missing, shows the login dialog.
 * @param {unknown} error
 */
export function showProblem(error) {
  const problem = byId('problem', HTMLElement)
  problem.hidden = false
  if (!(error instanceof Refused)) {
    problem.textContent = `The server does not answer (${messageOf(error)})`
  } else if (error.status === 401) {
    problem.textContent = 'This server shows its API to users with access only: log in to see it.'
    openLogin(problem.textContent)
  } else problem.textContent = error.message
}

byId('log-in', HTMLElement).addEventListener('click', () => openLogin(null))
byId('log-out', HTMLElement).addEventListener('click', () => {
  forget()
  location.reload()
})
void showUser()
