// The printers of a workshop: the list of its shared listener, and each printer's own API for commands.
import {
  Login,
  type Tokens,
  Workshop,
  type WorkshopMirror,
  type WorkshopPrinter,
} from '../../client/index.ts'
import { isUnauthorized } from '../shared/credentials.ts'
import {
  type Command,
  type FleetSource,
  type Following,
  type FollowListener,
  LoginNeeded,
  type Row,
  STATES,
  type State,
} from './source.ts'

/** Milliseconds until the printers are followed again after a failure. */
const RETRY = 3000
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
  #workshop: Workshop

  constructor(base: string, store: TokenStore) {
    this.#base = base
    this.#store = store
    this.#workshop = this.#open()
  }

  #open(): Workshop {
    return new Workshop({ url: this.#base, timeout: TIMEOUT, ...this.#credentials(TOP) })
  }

  async printers(): Promise<readonly Row[]> {
    const entries = await this.#checked(TOP, () => this.#workshop.printers())
    return entries.map(entry => this.#rowOf(entry))
  }

  follow(listener: FollowListener): Following {
    let mirror: WorkshopMirror | null = null
    let isClosed = false
    const open = async () => {
      const opened = await this.#workshop.follow()
      if (isClosed) return opened.close()
      const rows = (printers: Iterable<WorkshopPrinter>) => Array.from(printers, entry => this.#rowOf(entry))
      opened.on('change', ({ changed, removed }) => listener.changed({ changed: rows(changed), removed }))
      opened.on('connected', () => listener.connected(true))
      opened.on('disconnected', () => listener.connected(false))
      listener.replaced(rows(opened.printers.values()))
      listener.connected(true)
      mirror = opened
    }
    const openAgain = () => {
      if (isClosed) return
      listener.connected(false)
      setTimeout(() => void open().catch(openAgain), RETRY)
    }
    void open().catch(openAgain)
    return {
      show: () => undefined,
      close: () => {
        isClosed = true
        mirror?.close()
      },
    }
  }

  async command(id: string, command: Command): Promise<void> {
    await this.#checked(id, async () => {
      using client = await this.#workshop.printer(id, this.#credentials(id))
      await client.call(METHODS[command])
    })
  }

  async picture(id: string): Promise<Blob | null> {
    return this.#workshop.picture(id).catch(() => null)
  }

  async logIn(place: string, username: string, password: string): Promise<void> {
    const login = this.#createLogin(place, { username, password })
    await login.token()
    this.#logins.set(place, login)
    if (place === TOP) this.#workshop = this.#open()
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
      if (place === TOP) this.#workshop = this.#open()
      throw new LoginNeeded(place, place === TOP ? 'Log in to see the printers' : `Log in to ${place}`)
    }
  }

  #rowOf({ name, path, url, klippy_state, print, camera, error }: WorkshopPrinter): Row {
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

function stateOf(
  klippy: WorkshopPrinter['klippy_state'],
  print: string | undefined,
  error: string | null,
): State {
  if (error !== null || klippy === 'disconnected') return 'offline'
  if (klippy !== 'ready') return klippy
  if (print === 'error') return 'failed'
  return STATES.find(state => state === print) ?? 'ready'
}
