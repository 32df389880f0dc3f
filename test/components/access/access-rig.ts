// A server and its clients: unauthenticated, with a trusted address, with credentials. And a clock that can be moved.
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { type Reply, sendRequest } from '../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

/** Loopback is trusted, and so a trusted proxy: requests that it forwards from another address are unauthenticated. */
export const TRUST_LOOPBACK = 'trusted_clients:\n  127.0.0.1\n'
/** Headers of an unauthenticated client. */
export const ELSEWHERE = { 'X-Forwarded-For': '203.0.113.5' }
export const IDENTITY = { client_name: 'test', version: '1', type: 'web', url: 'http://test' }
export const UNAUTHORIZED = { code: -32602, message: 'Unauthorized' }

/** The machine's clock, moved by some seconds. */
export class MovedClock implements Clock {
  ahead = 0
  readonly #repeated: { readonly seconds: number; readonly task: () => void }[] = []

  now(): number {
    return systemClock.now() + this.ahead
  }

  monotonic(): number {
    return systemClock.monotonic() + this.ahead
  }

  after: Clock['after'] = (seconds, task) => systemClock.after(seconds, task)
  every: Clock['every'] = (seconds, task) => {
    this.#repeated.push({ seconds, task })
    return systemClock.every(seconds, task)
  }

  /** Runs the tasks that repeat every `seconds`. */
  run(seconds: number): void {
    for (const each of this.#repeated) if (each.seconds === seconds) each.task()
  }
}

/** Starts a server without a printer; `authorization` are further lines of the section. */
export function startAccess(authorization = '', options: RigOptions = {}): Promise<Rig> {
  return startRig({ printer: 'none', authorization: `${TRUST_LOOPBACK}${authorization}`, ...options })
}

/** Sends JSON without credentials, or with the given headers. */
export function send(
  rig: Rig,
  verb: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = ELSEWHERE,
): Promise<Reply> {
  if (body === undefined) return sendRequest(rig.port, path, { verb, headers })
  const type = { 'Content-Type': 'application/json' }
  return sendRequest(rig.port, path, { verb, headers: { ...type, ...headers }, body: JSON.stringify(body) })
}

/** Headers with a token, from an address that is not trusted. */
export function bearer(token: string): Record<string, string> {
  return { ...ELSEWHERE, Authorization: `Bearer ${token}` }
}

/** The status of a request that only users may send, with these headers. */
export async function statusFor(rig: Rig, headers: Record<string, string>, query = ''): Promise<number> {
  return (await sendRequest(rig.port, `/server/info${query}`, { headers })).status
}

/** Creates a user, from a trusted address; returns its tokens. */
export async function createUser(rig: Rig, username: string, more: object = {}): Promise<Frame> {
  const reply = await send(
    rig,
    'POST',
    '/access/user',
    { username, password: `pw of ${username}`, ...more },
    {},
  )
  if (reply.status !== 200) throw new Error(reply.body)
  return reply.json.result
}

/** Logs in from an address that is not trusted; returns the whole reply. */
export function logIn(rig: Rig, username: string, password = `pw of ${username}`): Promise<Reply> {
  return send(rig, 'POST', '/access/login', { username, password })
}

/** A WebSocket from an address that is not trusted, identified with a token if one is given. */
export async function openSocket(rig: Rig, token?: string): Promise<WebClient> {
  const client = await WebClient.open(rig.url, ELSEWHERE)
  if (token === undefined) return client
  const { error } = await client.call('server.connection.identify', { ...IDENTITY, access_token: token })
  if (error !== undefined) throw new Error(error.message)
  return client
}
