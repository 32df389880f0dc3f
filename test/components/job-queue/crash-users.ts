// Users and API keys while the server is killed again and again: every acknowledged change must survive.
import assert from 'node:assert/strict'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'

/** One of this many acknowledged users and keys of earlier rounds is checked again: a login is slow on purpose. */
const AGAIN = 25
/** The most keys that stay; a server accepts 200. */
const KEPT_KEYS = 50

interface KnownUser {
  password: string
  /** Another possible password: its change was not acknowledged. */
  wanted: string
  /** A refresh token of the last login. */
  refresh: string
}

/** What the server has acknowledged so far. */
export class AcknowledgedUsers {
  readonly #users = new Map<string, KnownUser>()
  readonly #gone = new Set<string>()
  /** Named API keys by name. */
  readonly #keys = new Map<string, string>()
  /** Users and keys of the current round. */
  #fresh = new Set<string>()
  /** A user, or a key, whose deletion was not acknowledged. */
  #leaving = ''
  #next = 0
  readonly counts = { users: 0, passwords: 0, deletions: 0, keys: 0, logins: 0 }

  /** Creates users and keys, changes passwords and deletes, each after the one before, until the connection ends. */
  async write(client: WebClient, user: WebClient): Promise<void> {
    for (;;) {
      this.#next += 1
      const name = `user ${this.#next}`
      await this.#createUser(client, name)
      await this.#createKey(client, `key ${this.#next}`)
      if (this.#next % 3 !== 0) await this.#changePassword(user, name)
      if (this.#next % 4 === 0) await this.#delete(client, name, 'access.delete_user', { username: name })
      const [key = ''] = this.#keys.keys()
      if (this.#keys.size > KEPT_KEYS)
        await this.#delete(client, key, 'access.api_keys.delete', { name: key })
    }
  }

  async #createUser(client: WebClient, username: string): Promise<void> {
    const password = `first of ${username}`
    const { refresh_token: refresh } = await right(client, 'access.post_user', { username, password })
    this.#users.set(username, { password, wanted: password, refresh })
    this.#fresh.add(username)
    this.counts.users += 1
  }

  async #createKey(client: WebClient, name: string): Promise<void> {
    const { api_key } = await right(client, 'access.api_keys.create', { name, role: 'operator' })
    this.#keys.set(name, api_key)
    this.#fresh.add(name)
    this.counts.keys += 1
  }

  async #changePassword(client: WebClient, username: string): Promise<void> {
    const known = this.#users.get(username) as KnownUser
    await right(client, 'access.login', { username, password: known.password })
    known.wanted = `second of ${username}`
    const change = { password: known.password, new_password: known.wanted }
    known.refresh = (await right(client, 'access.user.password', change)).refresh_token
    known.password = known.wanted
    this.counts.passwords += 1
  }

  async #delete(client: WebClient, name: string, method: string, params: object): Promise<void> {
    this.#leaving = name
    await right(client, method, params)
    this.#leaving = ''
    this.#remove(name)
  }

  #remove(name: string): void {
    this.#users.delete(name)
    this.#keys.delete(name)
    this.#gone.add(name)
    this.counts.deletions += 1
  }

  /** All are listed, and no deleted ones; those of the last round, and some earlier ones or `all`, can log in. */
  async check(client: WebClient, port: number, all = false): Promise<void> {
    const { users } = await right(client, 'access.users.list')
    const { keys } = await right(client, 'access.api_keys.list')
    const listed = new Set([
      ...users.map(({ username }: Frame) => username),
      ...keys.map(({ name }: Frame) => name),
    ])
    if (this.#leaving !== '' && !listed.has(this.#leaving)) this.#remove(this.#leaving)
    this.#leaving = ''
    const known = [...this.#users.keys(), ...this.#keys.keys()]
    assert.deepEqual(
      known.filter(name => !listed.has(name)),
      [],
    )
    assert.deepEqual(
      [...this.#gone].filter(name => listed.has(name)),
      [],
    )
    const due = new Set(known.filter(name => all || this.#fresh.has(name) || Math.random() < 1 / AGAIN))
    for (const [name, user] of this.#users) if (due.has(name)) await this.#getsIn(port, name, user)
    for (const [name, key] of this.#keys) {
      if (due.has(name)) assert.equal(await whoIs(port, { 'X-Api-Key': key }), `_API_KEY_USER_/${name}`)
    }
    this.#fresh = new Set()
  }

  async #getsIn(port: number, username: string, user: KnownUser): Promise<void> {
    const isSettled = user.wanted === user.password
    if (isSettled) {
      const { status } = await postJson(port, '/access/refresh_jwt', { refresh_token: user.refresh })
      assert.equal(status, 200, `the login of ${username} is gone`)
    }
    let reply = await postJson(port, '/access/login', { username, password: user.password })
    if (reply.status !== 200 && !isSettled) {
      user.password = user.wanted
      reply = await postJson(port, '/access/login', { username, password: user.password })
    }
    assert.equal(reply.status, 200, `${username} does not get in`)
    assert.equal(await whoIs(port, { Authorization: `Bearer ${reply.json.result.token}` }), username)
    user.wanted = user.password
    user.refresh = reply.json.result.refresh_token
    this.counts.logins += 1
  }
}

/** Calls a method that must not fail. */
async function right(client: WebClient, method: string, params?: object): Promise<Frame> {
  const { result, error } = await client.call(method, params)
  assert.equal(error, undefined, `${method}: ${error?.message}`)
  return result
}

async function whoIs(port: number, headers: Record<string, string>): Promise<string> {
  return (await sendRequest(port, '/access/user', { headers })).json.result.username
}
