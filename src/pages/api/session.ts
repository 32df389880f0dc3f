// The requests of the pages of the API, as their user: one who has logged in, or the owner of an API key.
import { CallError } from '../../client/index.ts'
import { forgetCredentials, storedKey, storedLogin, storeKey } from '../shared/credentials.ts'

/** The address of the API, with a slash at its end: the pages are in its folder docs/. */
export const api = new URL('..', location.href)

/** Its address without the slash. */
export const apiUrl = api.href.replace(/\/$/, '')

/**
 * Uses an API key from now on. The server ignores a wrong key at a trusted address, so the user in the reply shows whether
 * the key works. Throws CallError for a wrong key.
 */
export async function useKey(key: string): Promise<void> {
  const user = await request('access/user', { 'X-Api-Key': key }).catch((error: unknown) => {
    if (error instanceof CallError) return null
    throw error
  })
  const { username = '' } = (user ?? {}) as { readonly username?: string }
  if (!username.startsWith('_API_KEY_USER_'))
    throw new CallError('access.get_user', 401, 'This is not an API key of this server')
  storeKey(key)
}

/** The access token of the user's login; null without one. */
async function accessToken(): Promise<string | null> {
  try {
    return (await storedLogin(apiUrl)?.token()) ?? null
  } catch (error) {
    // The login has ended: the page shows the login again.
    if (!(error instanceof CallError)) throw error
    forgetCredentials()
    return null
  }
}

/** The credentials for `server.connection.identify`. */
export async function identification(): Promise<Readonly<Record<string, string>>> {
  const key = storedKey()
  if (key !== null) return { api_key: key }
  const token = await accessToken()
  return token === null ? {} : { access_token: token }
}

/** The request headers that identify the user; none without a login. */
export async function authorization(): Promise<Readonly<Record<string, string>>> {
  const key = storedKey()
  if (key !== null) return { 'X-Api-Key': key }
  const token = await accessToken()
  return token === null ? {} : { Authorization: `Bearer ${token}` }
}

/** A result, or a document, of the API. Throws CallError with the status if the server refuses the request. */
export async function get(path: string): Promise<unknown> {
  return request(path, await authorization())
}

async function request(path: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(new URL(path, api), { headers, cache: 'no-store' })
  const reply = (await response.json().catch(() => ({}))) as {
    readonly result?: unknown
    readonly error?: { readonly message?: string }
  }
  if (response.ok) return reply.result ?? reply
  throw new CallError(path, response.status, reply.error?.message ?? `HTTP status ${response.status}`)
}
