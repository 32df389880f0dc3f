// [power NAME] of type shelly: a relay of a Shelly device. Generation 1 has /relay; the later ones have /rpc, and some of
// them /relay as well. A device that refuses /relay is identified by /shelly.
import type { Deadline } from '../deadline.ts'
import { credentialsOf, type DriverContext, type PowerDriver, type Wanted } from '../driver.ts'
import {
  baseUrl,
  DeviceHttp,
  type DeviceRequest,
  httpFailure,
  jsonOf,
  LOCAL_ATTEMPTS,
  switchAt,
  valueAt,
} from './device-http.ts'
import { digestHeader } from './digest.ts'

/** Replies to /relay that a device of a later generation may send. */
const REFUSALS = [401, 404]

export const failure = httpFailure

export async function open(context: DriverContext<'shelly'>): Promise<PowerDriver> {
  const { options } = context
  return new Shelly(new DeviceHttp(context, LOCAL_ATTEMPTS), {
    base: baseUrl(context, options),
    output: options.output_id,
    timer: options.timer,
    auth: await credentialsOf(context),
  })
}

interface Settings {
  readonly base: string
  readonly output: number
  /** Seconds until an off takes effect. */
  readonly timer: number | undefined
  readonly auth: { readonly username: string; readonly password: string }
}

class Shelly implements PowerDriver {
  readonly #http: DeviceHttp
  readonly #settings: Settings
  #hasRpc = false

  constructor(http: DeviceHttp, settings: Settings) {
    this.#http = http
    this.#settings = settings
  }

  read(deadline: Deadline): Promise<string> {
    return this.#request(null, deadline)
  }

  write(to: Wanted, deadline: Deadline): Promise<string> {
    return this.#request(to, deadline)
  }

  async #request(to: Wanted | null, deadline: Deadline): Promise<string> {
    if (!this.#hasRpc) {
      const reply = await this.#relay(to, deadline)
      if (reply !== null) return reply
      await this.#identify(deadline)
    }
    if (to !== null) await this.#rpc('Switch.Set', this.#commandOf(to), deadline)
    return this.#rpcState(await this.#rpc('Switch.GetStatus', '', deadline))
  }

  /** Generation 1. Null if the device refuses. */
  async #relay(to: Wanted | null, deadline: Deadline): Promise<string | null> {
    const { base, output, timer, auth } = this.#settings
    const delay = to === 'off' && timer !== undefined
    const query = to === null ? '' : delay ? `?turn=on&timer=${timer}` : `?turn=${to}`
    const url = `${base}/relay/${output}${query}`
    const request = { url, auth, accept: REFUSALS }
    const reply = await (to === null
      ? this.#http.read(request, deadline)
      : this.#http.send(request, deadline))
    if (REFUSALS.includes(reply.status)) return null
    const state = jsonOf(reply)
    const remaining = Number(valueAt(state, 'timer_remaining') ?? 0)
    return timer !== undefined && remaining > 0 ? 'off' : switchAt(state, 'ison')
  }

  async #identify(deadline: Deadline): Promise<void> {
    const { base } = this.#settings
    const info = jsonOf(await this.#http.read({ url: `${base}/shelly` }, deadline))
    if (Number(valueAt(info, 'gen') ?? 1) < 2) {
      throw new Error('the device refuses the request; are user, password and output_id right?')
    }
    this.#hasRpc = true
  }

  #commandOf(to: Wanted): string {
    const { timer } = this.#settings
    return to === 'off' && timer !== undefined ? `&on=true&toggle_after=${timer}` : `&on=${to === 'on'}`
  }

  #rpcState(status: unknown): string {
    const isTimed = this.#settings.timer !== undefined && valueAt(status, 'timer_started_at') !== undefined
    return isTimed ? 'off' : switchAt(status, 'output')
  }

  /** A method of a later generation; a device with a password gets the digest that it demands. */
  async #rpc(method: string, parameters: string, deadline: Deadline): Promise<unknown> {
    const { base, output, auth } = this.#settings
    const uri = `/rpc/${method}?id=${output}${parameters}`
    const isRead = method === 'Switch.GetStatus'
    const send = (request: DeviceRequest) =>
      isRead ? this.#http.read(request, deadline) : this.#http.send(request, deadline)
    const reply = await send({ url: `${base}${uri}`, accept: [401] })
    if (reply.status !== 401) return jsonOf(reply)
    const challenge = String(reply.headers['www-authenticate'] ?? '')
    // The user of these devices is always admin.
    const header = digestHeader(challenge, { method: 'GET', uri, ...auth, username: 'admin' })
    if (header === null) throw new Error('the device demands a kind of authentication that is not supported')
    return jsonOf(await send({ url: `${base}${uri}`, headers: { Authorization: header } }))
  }
}
