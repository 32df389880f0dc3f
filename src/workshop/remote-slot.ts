// A printer whose server runs elsewhere: its state is requested from time to time while clients follow the list.
import type { Host } from '../component/host.ts'
import type { Timer } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { isPlainObject } from '../schema/index.ts'
import type { RemotePrinter } from './config.ts'
import { type PrinterEntry, type Slot, UNKNOWN_STATE } from './slot.ts'

/** Seconds between two requests. */
const INTERVAL = 5
/** Seconds that each request may take. */
const TIMEOUT = 4
/** Bytes of a reply. */
const MAX_REPLY = 256 * 1024

const STATES = ['disconnected', 'startup', 'ready', 'error', 'shutdown'] as const
const STATUS_PATH = '/printer/objects/query?print_stats=state,filename&virtual_sdcard=progress'

/** What a slot needs of the workshop. */
export interface RemoteSlotParts {
  readonly printer: RemotePrinter
  readonly host: Host
  readonly onChange: () => void
}

/** What the server elsewhere reports. */
type RemoteState = Pick<PrinterEntry, 'klippy_state' | 'print' | 'error' | 'camera'>

export class RemoteSlot implements Slot {
  readonly policy = null
  readonly metrics = null
  readonly #parts: RemoteSlotParts
  readonly #ending = new AbortController()
  #state: RemoteState = UNKNOWN_STATE
  #timer: Timer | null = null
  #isReading = false
  /** The URL of its camera's pictures, as it lists it; undefined until it is known. */
  #picture: string | null | undefined

  constructor(parts: RemoteSlotParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.printer.name
  }

  get entry(): PrinterEntry {
    const { name, url } = this.#parts.printer
    return { ...UNKNOWN_STATE, ...this.#state, name, url }
  }

  async pictureUrl(): Promise<string | null> {
    return this.#picture ?? null
  }

  start(): void {}

  async stop(): Promise<void> {
    this.watch(false)
    this.#ending.abort(new Error('the workshop stops'))
  }

  watch(isWatched: boolean): void {
    if (isWatched === (this.#timer !== null)) return
    this.#timer?.stop()
    this.#timer = null
    if (!isWatched) return
    this.#timer = this.#parts.host.clock.every(INTERVAL, () => void this.#update())
    void this.#update()
  }

  async #update(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      this.#state = await this.#read()
    } catch (error) {
      this.#state = { ...UNKNOWN_STATE, error: messageOf(error) }
      this.#picture = undefined
    }
    this.#isReading = false
    if (!this.#ending.signal.aborted) this.#parts.onChange()
  }

  async #read(): Promise<RemoteState> {
    const info = await this.#get('/server/info')
    const klippy_state = STATES.find(state => state === info.klippy_state) ?? 'disconnected'
    this.#picture ??= await this.#cameraOf()
    const camera = this.#picture !== null
    if (klippy_state !== 'ready') return { klippy_state, print: null, camera, error: null }
    const { status } = await this.#get(STATUS_PATH)
    return { klippy_state, print: printOf(status), camera, error: null }
  }

  /** Only a camera of the same machine: its list must not lead the workshop to another one. */
  async #cameraOf(): Promise<string | null> {
    const { webcams } = await this.#get('/server/webcams/list')
    const { url } = this.#parts.printer
    const here = new URL(url)
    for (const webcam of Array.isArray(webcams) ? webcams.filter(isPlainObject) : []) {
      const { snapshot_url, enabled } = webcam
      if (enabled === false || typeof snapshot_url !== 'string' || snapshot_url === '') continue
      const picture = URL.parse(snapshot_url, `http://${here.hostname}/`)
      if (picture?.hostname === here.hostname && /^https?:$/.test(picture.protocol)) return picture.href
    }
    return null
  }

  async #get(path: string): Promise<Readonly<Record<string, unknown>>> {
    const { url, apiKey } = this.#parts.printer
    const { status, body } = await this.#parts.host.http.send({
      url: `${url}${path}`,
      headers: apiKey === '' ? {} : { 'X-Api-Key': apiKey },
      timeoutSeconds: TIMEOUT,
      maxBytes: MAX_REPLY,
      signal: this.#ending.signal,
    })
    if (status === 401) throw new Error('it demands a login: give its api_key in workshop.conf')
    if (status !== 200) throw new Error(`it replied with status ${status}`)
    const reply: unknown = JSON.parse(body.toString())
    const result = isPlainObject(reply) ? reply.result : undefined
    if (!isPlainObject(result)) throw new Error('its reply is not that of Moonraker')
    return result
  }
}

function printOf(status: unknown): PrinterEntry['print'] {
  if (!isPlainObject(status)) return null
  const { print_stats: stats, virtual_sdcard: card } = status
  if (!isPlainObject(stats) || typeof stats.state !== 'string' || stats.state === 'standby') return null
  const progress = isPlainObject(card) && typeof card.progress === 'number' ? card.progress : 0
  return {
    state: stats.state.slice(0, 100),
    filename: typeof stats.filename === 'string' ? stats.filename.slice(0, 1000) : '',
    progress: Math.round(Math.min(1, Math.max(0, progress)) * 1000) / 1000,
  }
}
