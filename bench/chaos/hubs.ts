// The hubs of a benchmark or a chaos run, as people and programs use them: a call goes to the first hub that answers.
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds that a hub has for an answer. */
const TIMEOUT = 4000

/** Whatever the API answers. */
export type Json = ReturnType<typeof JSON.parse>

/** A hub refuses a request. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

export class Hubs {
  readonly urls: readonly string[]
  #token = ''

  constructor(urls: readonly string[]) {
    this.urls = urls
  }

  /** The token of the login; '' before it. */
  get token(): string {
    return this.#token
  }

  /** Users are common to all hubs. */
  async logIn(username: string, password: string): Promise<void> {
    this.#token = (await this.call('POST', '/access/login', { username, password })).token
  }

  /** Calls one hub. Rejects with Refused, or where it cannot be reached. */
  async callOne(url: string, verb: string, path: string, body?: string | object): Promise<Json> {
    const isJson = typeof body === 'object'
    const reply = await fetch(url + path, {
      method: verb,
      headers: {
        ...(this.#token !== '' && { Authorization: `Bearer ${this.#token}` }),
        ...(isJson && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
      signal: AbortSignal.timeout(TIMEOUT),
    })
    const { result, error } = (await reply.json()) as Json
    if (error === undefined) return result
    if (reply.status >= 500) throw new Error(error.message)
    throw new Refused(`${path}: ${error.message}`)
  }

  /** Calls the hubs one after the other, until one answers. Not for requests that must not be repeated. */
  async call(verb: string, path: string, body?: string | object): Promise<Json> {
    for (;;) {
      for (const url of this.urls) {
        try {
          return await this.callOne(url, verb, path, body)
        } catch (error) {
          if (error instanceof Refused) throw error
        }
      }
      await delay(200)
    }
  }

  /** Whether a hub has all data of the engine, and receives what changes. */
  async isReady(url: string): Promise<boolean> {
    const reply = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT) }).catch(() => null)
    return reply?.status === 200
  }

  /** All pages of a list. */
  async pages(
    url: string,
    path: string,
    name: string,
    cursor: (page: Json) => string | null,
  ): Promise<Json[]> {
    const found: Json[] = []
    for (let query = ''; ; ) {
      const page: Json = await this.callOne(url, 'GET', `${path}?${query}`)
      found.push(...page[name])
      const next = cursor(page)
      if (next === null) return found
      query = next
    }
  }
}
