// The printers of a fleet, from the API of its hub.
import type { FleetPrinter } from '../../api/fleet.ts'
import { Fleet, type FleetMirror, Login } from '../../client/index.ts'
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

/** Milliseconds until the printers are followed again after a failure. */
const RETRY = 2000
/** Milliseconds between readings of all printers: the hub sends changes only of those on the screen. */
const REFRESH = 60_000

/** The order of names: `printer 2` before `printer 10`. */
const NAMES = new Intl.Collator(undefined, { numeric: true })

export class HubSource implements FleetSource {
  readonly #url: string
  #fleet: Fleet

  constructor(url: string) {
    this.#url = url
    this.#fleet = this.#open(storedLogin(url))
  }

  #open(login: Login | null): Fleet {
    return new Fleet({ url: this.#url, ...(login && { accessToken: login.token }) })
  }

  /** Uses the hub. Rejects with LoginNeeded where a login is missing or has ended. */
  async use<T>(request: (fleet: Fleet) => Promise<T>): Promise<T> {
    try {
      return await request(this.#fleet)
    } catch (error) {
      if (!isUnauthorized(error)) throw error
      this.#fleet = this.#open(null)
      forgetCredentials()
      throw new LoginNeeded('', 'Log in to see the fleet')
    }
  }

  printers(): Promise<readonly Row[]> {
    return this.use(async fleet => {
      const rows: Row[] = []
      for await (const printer of fleet.printers()) rows.push(rowOf(printer))
      return rows.sort((a, b) => NAMES.compare(a.name, b.name))
    })
  }

  follow(listener: FollowListener): Following {
    let mirror: FleetMirror | null = null
    let shown: readonly string[] = []
    let isClosed = false
    const refresh = () => {
      this.printers().then(
        rows => listener.replaced(rows),
        () => undefined,
      )
    }
    const open = async () => {
      const opened = await this.use(fleet => fleet.follow(shown))
      if (isClosed) return opened.close()
      let { total } = opened.summary
      opened.on('change', ({ changed, removed }) =>
        listener.changed({ changed: changed.map(rowOf), removed }),
      )
      opened.on('summary', summary => {
        if (summary.total !== total) refresh()
        total = summary.total
      })
      opened.on('connected', () => {
        listener.connected(true)
        refresh()
      })
      opened.on('disconnected', () => listener.connected(false))
      opened.show(shown)
      mirror = opened
      listener.connected(true)
    }
    const openAgain = () => {
      if (isClosed) return
      listener.connected(false)
      setTimeout(() => void open().then(refresh, openAgain), RETRY)
    }
    void open().catch(openAgain)
    const timer = setInterval(() => {
      if (!document.hidden) refresh()
    }, REFRESH)
    return {
      show(ids) {
        shown = ids
        mirror?.show(ids)
      },
      close() {
        isClosed = true
        clearInterval(timer)
        mirror?.close()
      },
    }
  }

  async command(id: string, command: Command): Promise<void> {
    await this.use(fleet => fleet.command(id, command))
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
    this.#fleet = this.#open(login)
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
