// The printers of a workshop: the list of its shared listener, and each printer's own API for commands.

import type { ResultOf } from '../../api/endpoint.ts'
import type { Api } from '../../api/index.ts'
import { CallError, type Client, connect, Login, type Tokens } from '../../client/index.ts'
import { isUnauthorized } from '../shared/credentials.ts'
import {
  type Change,
  type Command,
  type FleetSource,
  type Following,
  type FollowListener,
  LoginNeeded,
  type Row,
  STATES,
  type State,
} from './source.ts'

type Entry = ResultOf<Api['workshop.printers']>[number]

/** Milliseconds between two requests while there is no WebSocket, because the main printer does not run. */
const POLL = 3000
/** Seconds that a command may take; a macro for a pause moves the printer first. */
const TIMEOUT = 60

const METHODS = {
  pause: 'printer.print.pause',
  resume: 'printer.print.resume',
  cancel: 'printer.print.cancel',
  emergency_stop: 'printer.emergency_stop',
} as const

/** Keeps logins in this tab until it is closed. */
export interface TokenStore {
  get(place: string): Tokens | null
  set(place: string, tokens: Tokens | null): void
}

/** The place of the login for the list: that of the main printer. */
const TOP = ''

export class WorkshopSource implements FleetSource {
  /** As http://host:7120/, with a slash at its end. */
  readonly #base: string
  readonly #store: TokenStore
  readonly #logins = new Map<string, Login>()
  #socket: Promise<Client> | null = null

  constructor(base: string, store: TokenStore) {
    this.#base = base
    this.#store = store
  }

  async printers(): Promise<readonly Row[]> {
    const entries = await this.#checked(TOP, async () => (await this.#list()).call('workshop.printers'))
    return entries.map(entry => this.#rowOf(entry))
  }

  /** The WebSocket; a client of single requests while the main printer, which has the WebSocket, does not run. */
  async #list(): Promise<Client> {
    const url = this.#base.replace(/^http/, 'ws')
    this.#socket ??= connect({ url, ...this.#credentials(TOP) })
    try {
      return await this.#socket
    } catch (error) {
      this.#socket = null
      if (error instanceof CallError) throw error
      return connect({ url: this.#base, timeout: TIMEOUT, ...this.#credentials(TOP) })
    }
  }

  follow(listener: FollowListener): Following {
    const closing = new AbortController()
    let attached: Client | null = null
    const offs: (() => void)[] = []
    const refresh = async () => {
      try {
        listener.replaced(await this.printers())
        listener.connected(true)
      } catch {
        listener.connected(false)
      }
      await attach()
    }
    const attach = async () => {
      const client = await this.#socket?.catch(() => null)
      if (client === null || client === undefined || client === attached || closing.signal.aborted) return
      attached = client
      offs.push(
        client.on('notify_workshop_changed', change => listener.changed(this.#changeOf(change))),
        client.on('connected', () => void refresh()),
        client.on('disconnected', () => listener.connected(false)),
      )
    }
    void attach()
    const timer = setInterval(() => {
      if (!document.hidden && attached?.connected !== true) void refresh()
    }, POLL)
    return {
      show: () => undefined,
      close: () => {
        closing.abort()
        clearInterval(timer)
        for (const off of offs) off()
      },
    }
  }

  #changeOf({ changed, removed }: { changed: readonly Entry[]; removed: readonly string[] }): Change {
    return { changed: changed.map(entry => this.#rowOf(entry)), removed }
  }

  async command(id: string, command: Command): Promise<void> {
    await this.#checked(id, async () => {
      using client = await connect({
        url: `${this.#base}${id}`,
        timeout: TIMEOUT,
        ...this.#credentials(id),
      })
      await client.call(METHODS[command])
    })
  }

  async picture(id: string): Promise<Blob | null> {
    const token = await this.#logins.get(TOP)?.token()
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    const reply = await fetch(`${this.#base}workshop/printers/${id}/picture`, { headers })
    return reply.ok ? reply.blob() : null
  }

  async logIn(place: string, username: string, password: string): Promise<void> {
    const login = this.#createLogin(place, { username, password })
    await login.token()
    this.#logins.set(place, login)
    if (place !== TOP) return
    const socket = await this.#socket?.catch(() => null)
    this.#socket = null
    socket?.close()
  }

  #createLogin(
    place: string,
    more: { readonly username: string; readonly password: string } | { readonly tokens: Tokens },
  ): Login {
    const onTokens = (tokens: Tokens | null) => this.#store.set(place, tokens)
    return new Login({ url: `${this.#base}${place}`, onTokens, ...more })
  }

  #credentials(place: string): { readonly accessToken?: Login['token'] } {
    const tokens = this.#store.get(place)
    if (!this.#logins.has(place) && tokens !== null)
      this.#logins.set(place, this.#createLogin(place, { tokens }))
    const login = this.#logins.get(place)
    return login === undefined ? {} : { accessToken: login.token }
  }

  /** Rejects with LoginNeeded where the server demands a login. */
  async #checked<T>(place: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      if (!isUnauthorized(error)) throw error
      this.#logins.delete(place)
      this.#store.set(place, null)
      if (place === TOP) this.#socket = null
      throw new LoginNeeded(place, place === TOP ? 'Log in to see the printers' : `Log in to ${place}`)
    }
  }

  #rowOf({ name, path, url, klippy_state, print, camera, error }: Entry): Row {
    return {
      id: name,
      name,
      state: stateOf(klippy_state, print?.state, error),
      problem: error,
      print: print === null ? null : { filename: print.filename, progress: print.progress },
      link: path === null ? (url ?? '#') : `${this.#base}${path.slice(1)}/`,
      camera,
      canCommand: path !== null && error === null,
    }
  }
}

function stateOf(klippy: Entry['klippy_state'], print: string | undefined, error: string | null): State {
  if (error !== null || klippy === 'disconnected') return 'offline'
  if (klippy !== 'ready') return klippy
  if (print === 'error') return 'failed'
  return STATES.find(state => state === print) ?? 'ready'
}
