// The page's user, and the page's own requests. Credentials are kept in this tab until it is closed.

/**
 * @typedef {{ kind: 'key', key: string }} Key
 * @typedef {{ kind: 'login', token: string, refresh: string }} Login
 */

const STORED = 'moonraker-ts credentials'
/** Seconds before its end at which a token is renewed. */
const EARLY = 60

/** The address of the API, with a slash at its end: the pages are in its folder docs/. */
export const api = new URL('..', location.href)

/** The server's error in place of a result. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @returns {Key | Login | null} */
export function credentials() {
  return JSON.parse(sessionStorage.getItem(STORED) ?? 'null')
}

/** @param {Key | Login | null} shown */
function keep(shown) {
  if (shown === null) sessionStorage.removeItem(STORED)
  else sessionStorage.setItem(STORED, JSON.stringify(shown))
}

/**
 * Uses a user's login from now on.
 * @param {string} username
 * @param {string} password
 */
export async function logIn(username, password) {
  const { token, refresh_token } = await post('access/login', { username, password })
  keep({ kind: 'login', token, refresh: refresh_token })
}

/**
 * Uses an API key from now on. The server ignores a wrong key at a trusted address, so the reply's user shows whether
 * the key works. Throws Refused for a wrong key.
 * @param {string} key
 */
export async function useKey(key) {
  const headers = { 'X-Api-Key': key }
  const user = await request('access/user', { headers }).catch(error => {
    if (error instanceof Refused) return undefined
    throw error
  })
  if (!user?.username.startsWith('_API_KEY_USER_'))
    throw new Refused(401, 'This is not an API key of this server')
  keep({ kind: 'key', key })
}

/** Uses no login from now on. The login itself stays valid: `access.logout` would end it on all devices. */
export function forget() {
  keep(null)
}

/**
 * The access token, a new one if it is about to end; null without a login.
 * @returns {Promise<string | null>}
 */
export async function token() {
  const shown = credentials()
  if (shown?.kind !== 'login') return null
  if (endOf(shown.token) - EARLY > Date.now() / 1000) return shown.token
  try {
    const renewed = await post('access/refresh_jwt', { refresh_token: shown.refresh })
    keep({ ...shown, token: renewed.token })
    return renewed.token
  } catch (error) {
    // The login has ended; the page shows the login dialog.
    if (!(error instanceof Refused)) throw error
    forget()
    return null
  }
}

/**
 * When a token ends, in seconds since the epoch.
 * @param {string} jwt
 * @returns {number}
 */
function endOf(jwt) {
  const claims = (jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
  return JSON.parse(atob(claims)).exp ?? 0
}

/**
 * The credentials for `server.connection.identify`.
 * @returns {Promise<Record<string, string>>}
 */
export async function identification() {
  const shown = credentials()
  if (shown?.kind === 'key') return { api_key: shown.key }
  const access_token = await token()
  return access_token === null ? {} : { access_token }
}

/**
 * The request headers that identify the page's user; none without a login.
 * @returns {Promise<Record<string, string>>}
 */
export async function authorization() {
  const shown = credentials()
  if (shown?.kind === 'key') return { 'X-Api-Key': shown.key }
  const access = await token()
  return access === null ? {} : { Authorization: `Bearer ${access}` }
}

/**
 * A result, or a document, of the API. Throws Refused.
 * @param {string} path
 */
export async function get(path) {
  return request(path, { headers: await authorization() })
}

/**
 * @param {string} path
 * @param {object} body
 */
function post(path, body) {
  const headers = { 'Content-Type': 'application/json' }
  return request(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function request(path, options) {
  const response = await fetch(new URL(path, api), { ...options, cache: 'no-store' })
  const reply = await response.json().catch(() => ({}))
  if (!response.ok)
    throw new Refused(response.status, reply.error?.message ?? `HTTP status ${response.status}`)
  return reply.result ?? reply
}
