// A strip whose controller is reached over the network, by WLED's JSON API.
import { type Clock, sleep } from '../../core/clock.ts'
import { type HttpClient, HttpClientError } from '../../core/http-client.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { StripDevice, StripState } from './strip-device.ts'

const ATTEMPTS = 3
/** Seconds between two attempts. */
const PAUSE = 0.1
/** Bytes of a reply; the whole state with all effects has about 20 KiB. */
const MAX_REPLY = 256 * 1024

/** Where the controller is. */
export interface HttpDeviceOptions {
  readonly protocol: 'http' | 'https'
  readonly address: string
  readonly port: number
  /** Seconds for one attempt. */
  readonly timeout: number
}

export class HttpDevice implements StripDevice {
  readonly #http: HttpClient
  readonly #clock: Clock
  readonly #url: string
  readonly #timeout: number
  readonly #signal: AbortSignal

  /** `signal` ends all requests. */
  constructor(http: HttpClient, clock: Clock, options: HttpDeviceOptions, signal: AbortSignal) {
    const { protocol, address, port, timeout } = options
    this.#http = http
    this.#clock = clock
    this.#url = `${protocol}://${address}:${port}/json`
    this.#timeout = timeout
    this.#signal = signal
  }

  async send(message: Readonly<Record<string, unknown>>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await this.#request(this.#url, message)
        if (reply.success !== true && !isPlainObject(reply.state)) throw new Error('refuses the command')
        return
      } catch (error) {
        if (attempt === ATTEMPTS || this.#signal.aborted) throw error
      }
      await sleep(this.#clock, PAUSE, this.#signal)
    }
  }

  read(): Promise<StripState> {
    return this.#request(`${this.#url}/state`)
  }

  async #request(url: string, message?: unknown): Promise<Record<string, unknown>> {
    const { status, statusText, body } = await this.#http.send({
      url,
      timeoutSeconds: this.#timeout,
      maxBytes: MAX_REPLY,
      signal: this.#signal,
      ...(message !== undefined && {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(message),
      }),
    })
    if (status !== 200) throw new HttpClientError(`HTTP ${status}: ${statusText}`)
    const value = parse(body)
    if (!isPlainObject(value)) throw new HttpClientError('the reply is not that of WLED')
    return value
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return null
  }
}
