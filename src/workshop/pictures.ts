// Pictures of the printers' cameras: each is fetched at most every few seconds, however many clients look at it.

import type { Host } from '../component/host.ts'
import { NoPicture } from '../components/timelapse/jpeg.ts'
import { takeSnapshot } from '../components/timelapse/snapshot.ts'
import { ConcurrencyLimit } from '../core/concurrency-limit.ts'
import { ApiError } from '../core/errors.ts'
import type { Slot } from './slot.ts'

/** Seconds until a picture is too old. */
const AGE = 2
/** Seconds that a camera may need. */
const TIMEOUT = 5
/** The largest picture that is kept; a larger one is not sent either. */
const MAX_BYTES = 2 * 1024 * 1024

export class Pictures {
  readonly #host: Host
  readonly #kept = new Map<string, Promise<Buffer>>()
  readonly #ending = new AbortController()
  readonly #fetches = new ConcurrencyLimit({ what: 'pictures', maxRunning: 4, maxQueued: 64 })

  constructor(host: Host) {
    this.#host = host
  }

  /** A JPEG of the printer's first camera. Rejects with ApiError 404 without a camera, 502 without a picture, 503. */
  take(slot: Slot): Promise<Buffer> {
    const kept = this.#kept.get(slot.name)
    if (kept !== undefined) return kept
    const picture = this.#fetches.run(() => this.#fetch(slot))
    this.#kept.set(slot.name, picture)
    const forget = () => this.#host.clock.after(AGE, () => void this.#kept.delete(slot.name))
    picture.then(forget, forget)
    return picture
  }

  async #fetch(slot: Slot): Promise<Buffer> {
    const url = await slot.pictureUrl()
    if (url === null) throw new ApiError(404, `Printer '${slot.name}' has no camera with a picture`)
    try {
      const { signal } = this.#ending
      const request = { url, timeoutSeconds: TIMEOUT, insecure: false, signal }
      const picture = await takeSnapshot(this.#host.http, request)
      if (picture.length > MAX_BYTES) throw new NoPicture('the picture has more than 2 MiB')
      return picture
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error
      throw new ApiError(502, `No picture of printer '${slot.name}': ${error.message}`)
    }
  }

  /** Ends the requests to cameras. */
  stop(): void {
    this.#ending.abort(new NoPicture('the workshop stops'))
    this.#kept.clear()
  }
}
