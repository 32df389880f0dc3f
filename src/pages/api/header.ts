// The bar of every page of the API: the current user, and the login.
import { CallError } from '../../client/index.ts'
import type { Reply } from '../shared/api.ts'
import { forgetCredentials, hasCredentials, isUnauthorized } from '../shared/credentials.ts'
import { byId, messageOf } from '../shared/dom.ts'
import { showLogin } from '../shared/login.ts'
import { apiUrl, get, useKey } from './session.ts'

/** Users that have no name of their own. */
const NAMES = new Map([
  ['_TRUSTED_USER_', 'trusted address'],
  ['_API_KEY_USER_', 'API key'],
])

/** Shows the login; the page then loads again as that user. */
async function logIn(reason?: string): Promise<void> {
  if (document.querySelector('dialog[open]') !== null) return
  if (await showLogin({ url: apiUrl, useKey, ...(reason !== undefined && { reason }) })) location.reload()
}

async function showUser(): Promise<void> {
  const who = byId('who', HTMLElement)
  try {
    const { username, role } = (await get('access/user')) as Reply<'access.get_user'>
    who.textContent = `${NAMES.get(username) ?? username} (${role})`
  } catch (error) {
    who.textContent = error instanceof CallError ? 'not logged in' : 'the server does not respond'
  }
  // A login that has ended is forgotten by now.
  const isKnown = hasCredentials()
  byId('log-in', HTMLElement).hidden = isKnown
  byId('log-out', HTMLElement).hidden = !isKnown
}

/** Shows why the page cannot continue; if a login is missing, shows the login. */
export function showProblem(error: unknown): void {
  const problem = byId('problem', HTMLElement)
  problem.hidden = false
  if (isUnauthorized(error)) {
    problem.textContent = 'This server shows its API to its users only: log in to see it.'
    void logIn(problem.textContent)
  } else if (error instanceof CallError) problem.textContent = error.message
  else problem.textContent = `The server does not respond (${messageOf(error)})`
}

/** Shows the user, and offers to log in and out. */
export function startHeader(): void {
  byId('log-in', HTMLElement).addEventListener('click', () => void logIn())
  byId('log-out', HTMLElement).addEventListener('click', () => {
    forgetCredentials()
    location.reload()
  })
  void showUser()
}
