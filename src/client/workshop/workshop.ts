// A workshop: the list of its printers, and a client of each.
import type { ResultOf } from '../../api/endpoint.ts'
import type { Api } from '../../api/index.ts'
import { type Client, connect } from '../client.ts'
import { reach, refusal } from '../http-errors.ts'
import { type ConnectOptions, credentialHeaders, serverBase } from '../options.ts'
import { WorkshopMirror, type WorkshopPrinter } from './workshop-mirror.ts'

export class Workshop {
  readonly #options: ConnectOptions
  readonly #base: string
  readonly #client: Promise<Client>

  /**
   * `options.url` is the address of the shared listener; the credentials are those of a user of the main printer. Nothing
   * is sent before the first call. Throws for a unix socket.
   */
  constructor(options: ConnectOptions) {
    this.#base = serverBase(options.url)
    this.#options = options
    this.#client = connect({ ...options, url: this.#base })
  }

  /** All printers with their states. Works while the main printer does not run. Rejects as `Client.call` does. */
  async printers(): Promise<WorkshopPrinter[]> {
    return (await this.#client).call('workshop.printers')
  }

  /** Reads workshop.conf again. Rejects as `Client.call` does. */
  async reload(): Promise<ResultOf<Api['workshop.reload']>> {
    return (await this.#client).call('workshop.reload')
  }

  /** A picture of the printer's first camera. Rejects as downloads do. */
  async picture(name: string, signal?: AbortSignal): Promise<Blob> {
    const address = `${this.#base}/workshop/printers/${name}/picture`
    const headers = await credentialHeaders(this.#options)
    const reply = await reach(address, () => fetch(address, { headers, ...(signal && { signal }) }), signal)
    if (!reply.ok) throw refusal('GET /workshop/printers/NAME/picture', reply, await reply.text())
    return reply.blob()
  }

  /**
   * Connects to a printer of the workshop, below its path, by the transport of the workshop's URL. Credentials are those of
   * the printer's own users: `options` has them. Rejects as `connect` does. For a printer elsewhere, connect to the `url`
   * of its entry.
   */
  printer(name: string, options: Partial<ConnectOptions> = {}): Promise<Client> {
    const { url, accessToken: _, apiKey: __, ...rest } = this.#options
    const scheme = new URL(url).protocol
    return connect({ ...rest, url: `${this.#base.replace(/^\w+:/, scheme)}/${name}`, ...options })
  }

  /** Follows the list of printers. Rejects as `printers` does. */
  async follow(): Promise<WorkshopMirror> {
    const url = this.#base.replace(/^http/, 'ws')
    const mirror = new WorkshopMirror({
      list: () => this.printers(),
      connect: () => connect({ ...this.#options, url }),
    })
    await mirror.start()
    return mirror
  }
}
