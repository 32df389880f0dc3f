// The printers of a fleet: the API of its hub, and the WebSocket on which the hub sends what has changed.
import type { FleetPrinter } from '../../api/fleet.ts'
import { type Client, connect, Login } from '../../client/index.ts'
import {
  type Command,
  type FleetSource,
  type Following,
  type FollowListener,
  LoginNeeded,
  type Row,
  type State,
} from '../printers/source.ts'
import { forgetCredentials, isUnauthorized, storedLogin, storeTokens } from '../shared/credentials.ts'

/** Printers of one reply, and rows that the hub sends changes of. */
const PAGE = 200
/** Milliseconds until a lost connection is opened again. */
const RETRY = 2000
/** Milliseconds between readings of all printers: the hub sends changes only of those on the screen. */
const REFRESH = 60_000

/** A message of /fleet/live. */
interface LiveMessage {
  readonly summary?: { readonly total: number }
  readonly rows?: readonly FleetPrinter[]
  readonly gone?: readonly string[]
}

export class HubSource implements FleetSource {
  readonly #url: string
  #login: Login | null
  #client: Promise<Client> | null = null

  /** `url` is the address of the hub, with a slash at its end. */
  constructor(url: string) {
    this.#url = url
    this.#login = storedLogin(url)
  }

  /** Calls the API. Rejects with LoginNeeded where a login is missing or has ended. */
  async call<T>(use: (client: Client) => Promise<T>): Promise<T> {
    try {
      this.#client ??= connect({ url: this.#url, ...(this.#login && { accessToken: this.#login.token }) })
      return await use(await this.#client)
    } catch (error) {
      this.#client = null
      if (!isUnauthorized(error)) throw error
      this.#login = null
      forgetCredentials()
      throw new LoginNeeded('', 'Log in to see the fleet')
    }
  }

  /** The headers of requests outside the calling scheme. */
  async headers(): Promise<Record<string, string>> {
    const token = await this.#login?.token()
    return token === undefined ? {} : { Authorization: `Bearer ${token}` }
  }

  async printers(): Promise<readonly Row[]> {
    const rows: Row[] = []
    let cursor: string | null = null
    do {
      const page: { printers: FleetPrinter[]; next: string | null } = await this.call(client =>
        client.call('fleet.printers.list', { limit: PAGE, ...(cursor !== null && { cursor }) }),
      )
      rows.push(...page.printers.map(rowOf))
      cursor = page.next
    } while (cursor !== null)
    return rows
  }

  follow(listener: FollowListener): Following {
    let socket: WebSocket | null = null
    let shown: readonly string[] = []
    let total: number | null = null
    let isClosed = false
    const show = () => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ rows: shown.slice(0, PAGE) }))
    }
    const refresh = async () => {
      listener.replaced(await this.printers())
      show()
    }
    const receive = ({ summary, rows = [], gone = [] }: LiveMessage) => {
      if (rows.length + gone.length > 0) listener.changed({ changed: rows.map(rowOf), removed: gone })
      const isOther = summary !== undefined && total !== null && summary.total !== total
      total = summary?.total ?? total
      if (isOther) void refresh().catch(() => undefined)
    }
    const open = async () => {
      const token = await this.call(client => client.call('access.oneshot_token'))
      if (isClosed) return
      const opened = new WebSocket(`${this.#url.replace(/^http/, 'ws')}fleet/live?token=${token}`)
      socket = opened
      opened.addEventListener('open', () => {
        listener.connected(true)
        show()
      })
      opened.addEventListener('message', ({ data }) => receive(JSON.parse(String(data)) as LiveMessage))
      opened.addEventListener('close', lose)
    }
    const lose = () => {
      if (isClosed) return
      listener.connected(false)
      setTimeout(() => void open().then(refresh).catch(lose), RETRY)
    }
    void open().catch(lose)
    const timer = setInterval(() => {
      if (!document.hidden) void refresh().catch(() => undefined)
    }, REFRESH)
    return {
      show(ids) {
        shown = ids
        show()
      },
      close() {
        isClosed = true
        clearInterval(timer)
        socket?.close()
      },
    }
  }

  async command(id: string, command: Command): Promise<void> {
    await this.call(client => client.call('fleet.printers.command', { id, do: command }))
  }

  /** A hub has no cameras. */
  async picture(): Promise<null> {
    return null
  }

  async logIn(_place: string, username: string, password: string): Promise<void> {
    const onTokens = (tokens: Parameters<typeof storeTokens>[0] | null) => {
      if (tokens === null) forgetCredentials()
      else storeTokens(tokens, false)
    }
    const login = new Login({ url: this.#url, username, password, onTokens })
    await login.token()
    this.#login = login
    this.#client = null
  }
}

/** States of the hub that the page shows as others, with a remark. */
const OTHER_STATES: Readonly<Partial<Record<FleetPrinter['state'], readonly [State, string]>>> = {
  needs_newer_hub: ['error', 'Needs a newer hub'],
  late: ['offline', 'Its state is late'],
  off: ['offline', 'Its power is off'],
}

function rowOf({ id, name, site, labels, state, message, job, slot, maintenance }: FleetPrinter): Row {
  const [shown, problem] = OTHER_STATES[state] ?? [state as State, message]
  const blocked = state === 'ready' && slot?.state === 'blocked' ? `Takes no jobs: ${slot.why ?? ''}` : null
  const address = labels.address ?? ''
  return {
    id,
    name: site === '' ? name : `${name} · ${site}`,
    state: shown,
    problem: problem ?? (maintenance ? 'In maintenance' : blocked),
    print: job && { filename: job.file, progress: job.progress },
    link: /^[\w.:[\]-]+$/.test(address) ? `http://${address}/` : '#',
    camera: false,
    canCommand: true,
  }
}
